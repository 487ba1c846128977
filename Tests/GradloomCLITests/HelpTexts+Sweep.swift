extension HelpTexts {
    static let sweep = HelpTexts(
        command: "sweep",
        text: """
            OVERVIEW: Search the hyperparameters with which a configuration trains best.

            Trains a configuration with many combinations of values, several at once, each
            a process on cores of its own, and ranks them by the best epoch of each. A list
            of values has commas, as in 32,64; a range two points, as in 16..256, 0.8..0.99
            or 1e-4..1e-1:log. Ctrl-C ends the trainings with checkpoints: --resume goes
            on.

            Examples:
              gradloom sweep configs/digits.yaml --set training.batch=32,64 --output sweep
              gradloom sweep configs/digits.yaml --set loss.l2=1e-6..1e-2:log --output
            sweep
              gradloom sweep configs/spirals.yaml --folds 5 --output folds
              gradloom sweep --resume sweep

            USAGE: gradloom sweep [<options>] [<configuration>]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=values> The values of a key: one, a list a,b,c, or a range
                                      a..b, with :log behind it for equal ratios and :n for
                                      n points of a grid, of which a range has 5 otherwise;
                                      may be repeated.
              --output <dir>          The directory that the sweep makes for its runs and
                                      results.
              --search <grid|random|halving>
                                      All combinations, random ones, or successive halving:
                                      many trials begin, and the best ones go on. The
                                      default is grid, and random where a key has a range.
                                      (values: grid, random, halving)
              --trials <n>            How many trials are drawn; 20 otherwise.
              --seed <n>              What trials are drawn by: the same seed, the same
                                      trials; 1 otherwise.
              --reduction <n>         With halving: one in n trials goes on, for n times
                                      the epochs; 3 otherwise.
              --folds <k>             Score every trial by the mean over k folds of the
                                      data.
              --metric <measure>      What trials are compared by; validation_loss
                                      otherwise. (values: validation_loss,
                                      validation_accuracy, training_loss, training_accuracy)
              --jobs <n>              How many trainings go on at once; as many as there
                                      are cores otherwise.
              --resume <dir>          Go on with an interrupted sweep; with --jobs, --json
                                      and --quiet alone.
              --json                  Print one JSON object on standard output.
              --quiet                 Print nothing but errors and the result.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
