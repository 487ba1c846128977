import Testing

/// The help texts of the commands that show a network.
extension HelpTexts {
    static let inspect = HelpTexts(
        command: "inspect",
        text: """
            OVERVIEW: Show one pass forward and backward with every number on the way.

            In float64, at the first parameters. All samples of the configuration's data
            are one batch, unless --sample chooses one; the loss is their sum or mean, as
            the configuration says. Samples, units and inputs are counted from 0; weights
            have one row per unit. A validation part is not kept apart.

            Examples:
              gradloom inspect configs/xor.yaml
              gradloom inspect configs/xor.yaml --sample 2 --step
              gradloom inspect configs/xor.yaml --json
              gradloom inspect configs/quickstart.yaml --program

            USAGE: gradloom inspect <configuration> [--set <key.path=value> ...] [--sample <i>] [--all] [--step] [--json] [--program] [--digits <n>]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --sample <i>            One sample alone, counted from 0.
              --all                   All samples, even if they are more than 64.
              --step                  Make one step of the optimizer, and show what it
                                      changes.
              --json                  Print one JSON object on standard output, with all
                                      digits.
              --program               Show instead what every worker does in a training
                                      step on this machine, operation by operation.
              --digits <n>            Significant digits of the tables. (default: 6)
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let jacobian = HelpTexts(
        command: "jacobian",
        text: """
            OVERVIEW: Compute exact Jacobians of a network.

            In float64, at the first parameters, by reverse mode. The axes of what is
            differentiated come first; weights have one row per unit (out × in). LAYER is a
            layer's outputs, LAYER.preactivations what its activation is applied to,
            LAYER.weights.INPUT the weights for one of several inputs. With several samples
            the first axis is the sample. Everything is counted from 0.

            Examples:
              gradloom jacobian configs/xor.yaml --sample 1 --of prediction \\
                --wrt hidden.weights
              gradloom jacobian configs/xor.yaml --of prediction \\
                --wrt hidden.weights --element 0,1
              gradloom jacobian configs/xor.yaml --sample 1 \\
                --of hidden.preactivations --wrt hidden.weights --blocks

            USAGE: gradloom jacobian [<options>] <configuration> --wrt <array>

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --of <array>            What is differentiated: prediction, loss, LAYER or
                                      LAYER.preactivations. (default: prediction)
              --wrt <array>           With respect to what: input, LAYER,
                                      LAYER.preactivations, LAYER.weights or LAYER.bias.
              --element <i,j>         One element of it, by its indices.
              --sample <i>            One sample alone, counted from 0.
              --samples <n>           Samples at most, from the first.
              --blocks                Only the rows that are not 0, for every output.
              --format <format>       How the numbers are written. (values: table, json,
                                      npy)
              --json                  The same as --format json.
              --output <file>         Write a file instead of standard output.
              --force                 Replace files that exist.
              --digits <n>            Significant digits of the table. (default: 6)
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let graph = HelpTexts(
        command: "graph",
        text: """
            OVERVIEW: Draw the computation graph of a training, with shapes and parameters.

            Examples:
              gradloom graph configs/xor.yaml
              gradloom graph configs/xor.yaml --format svg >xor.svg
              gradloom graph configs/xor.yaml --format dot | dot -Tpdf >xor.pdf

            USAGE: gradloom graph <configuration> [--set <key.path=value> ...] [--format <format>]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --format <format>       text, svg, or dot, the language of Graphviz. (values:
                                      text, dot, svg; default: text)
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let check = HelpTexts(
        command: "check",
        text: """
            OVERVIEW: Compare a configuration's gradients, computed in several ways.

            At the first parameters, on the first samples: central differences, the
            reference, the fast trainer in both precisions, and every number of workers.
            Where arrays are large, central differences are taken of some elements; the
            table says of how many. Elements beside the kink of a relu are left out and
            named. The exit code is 1 when an error is too large.

            With --reproducible, the bits of trainings are compared instead; the exit code
            is 1 when they differ.

            Examples:
              gradloom check configs/xor.yaml
              gradloom check configs/digits.yaml --samples 16 --elements 100
              gradloom check configs/xor.yaml --corrupt hidden
              gradloom check configs/digits.yaml --reproducible

            USAGE: gradloom check <configuration> [--set <key.path=value> ...] [--corrupt <layer>] [--samples <n>] [--elements <n>] [--seed <n>] [--workers <n>] [--reproducible] [--force-precision] [--steps <n>] [--json]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --corrupt <layer>       Make the check fail: scale the gradient of this layer
                                      by 1.01, or with --reproducible change one weight.
              --samples <n>           Samples of the batch. (default: 8)
              --elements <n>          Elements of an array to take central differences of.
                                      (default: 32)
              --seed <n>              The seed that chooses the elements. (default: 1)
              --workers <n>           The largest number of workers; 4, or one per allowed
                                      core.
              --reproducible          Compare the bits of a training instead: its first
                                      steps with other workers, routes, teams, placements
                                      and instructions, profiled, and interrupted.
              --force-precision       With --reproducible: check mixed precision where
                                      float32 is faster, too.
              --steps <n>             With --reproducible: the steps of each training; a
                                      quarter of a second.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
