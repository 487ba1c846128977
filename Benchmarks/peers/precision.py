"""What a comparison is about in each precision of Gradloom: who trains, on what, and what its results are called."""

from __future__ import annotations

from dataclasses import dataclass

GRADLOOM, GRADLOOM_BF16 = "gradloom", "gradloom-bf16"


@dataclass(frozen=True)
class Precision:
    """A precision that step-speed trains in, and the comparison in it."""

    name: str
    own: str
    """The trainer of Gradloom's that the others are compared with."""
    workloads: tuple[str, ...]
    """Those that are watched; none: those that step-speed lists."""
    results: str
    """How the names of its results begin."""

    @property
    def is_mixed(self) -> bool:
        """Whether factors are bfloat16. Then Gradloom trains in float32, too, and is compared with itself."""
        return self.own != GRADLOOM

    @property
    def trainers(self) -> list[str]:
        """All of Gradloom's trainers that take part."""
        return [self.own, GRADLOOM] if self.is_mixed else [GRADLOOM]


FLOAT32 = Precision("float32", GRADLOOM, (), "peers")
MIXED_BFLOAT16 = Precision(
    "mixed_bfloat16", GRADLOOM_BF16, ("deep", "wide", "ctr", "tall", "adam-relu", "mnist"), "peers-bf16"
)
PRECISIONS = {precision.name: precision for precision in (FLOAT32, MIXED_BFLOAT16)}
# Gradloom's trainers, and the precision of each.
TRAINERS = {precision.own: precision for precision in PRECISIONS.values()}
