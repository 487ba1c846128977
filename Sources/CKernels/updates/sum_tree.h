// Sums of matrices along a binary tree.

// The vectors whose gradients are added up together, for loads from several matrices at a time.
enum { FN(update_vectors) = 4 };

// g = the sum of the addends along their tree, of `vectors` vectors: sums that wait for their right half are on a stack.
LOOM_INLINE void FN(sum_tree)(size_t count, const loom_addend *addends, const Scalar *first, size_t vectors, Vector *g) {
    for (size_t v = 0; v < vectors; v++) { g[v] = FN(load)(first + v * LANES); }
    if (count <= 1) { return; }
    if (count == 2) {
        const Scalar *const second = first + addends[1].offset;
        for (size_t v = 0; v < vectors; v++) { g[v] += FN(load)(second + v * LANES); }
        return;
    }
    Vector stack[LOOM_ADDEND_DEPTH][FN(update_vectors)];
    size_t depth = 0;
    for (size_t a = 1; a < count; a++) {
        for (size_t v = 0; v < vectors; v++) { stack[depth][v] = g[v]; }
        depth++;
        const Scalar *const next = first + addends[a].offset;
        for (size_t v = 0; v < vectors; v++) { g[v] = FN(load)(next + v * LANES); }
        for (size_t m = addends[a].merges; m > 0; m--) {
            depth--;
            for (size_t v = 0; v < vectors; v++) { g[v] = stack[depth][v] + g[v]; }
        }
    }
}

LOOM_INLINE void FN(sum_at)(size_t count, const loom_addend *addends, const Scalar *first, Scalar *sum,
                            size_t mirror_count, const ptrdiff_t *mirrors, size_t vectors) {
    Vector g[FN(update_vectors)];
    FN(sum_tree)(count, addends, first, vectors, g);
    for (size_t v = 0; v < vectors; v++) {
        FN(store)(sum + v * LANES, g[v]);
        for (size_t m = 0; m < mirror_count; m++) { FN(store)(sum + v * LANES + mirrors[m], g[v]); }
    }
}

static void FN(sum_addends)(size_t count, const loom_addend *addends, size_t rows, size_t columns, size_t stride,
                            const void *first_addend, void *result, size_t mirror_count, const ptrdiff_t *mirrors) {
    const Scalar *const first = first_addend;
    Scalar *const sum = result;
    FN(flatten)(&rows, &columns, stride);
    for (size_t i = 0; i < rows; i++) {
        size_t k = i * stride;
        const size_t end = k + columns;
        for (; k + FN(update_vectors) * LANES <= end; k += FN(update_vectors) * LANES) {
            FN(sum_at)(count, addends, first + k, sum + k, mirror_count, mirrors, FN(update_vectors));
        }
        for (; k < end; k += LANES) { FN(sum_at)(count, addends, first + k, sum + k, mirror_count, mirrors, 1); }
    }
}
