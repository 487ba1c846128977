extension HelpTexts {
    static let tune = HelpTexts(
        command: "tune",
        text: """
            OVERVIEW: Find the fastest number of workers, placement, shards and route for a
            training.

            Runs the configuration's own steps on its own data in many ways, in turn, and
            gives up the slow ones. Results keep their bits. What was chosen is kept for
            this machine: train uses it where the configuration has parallel.workers: auto.

            Examples:
              gradloom tune configs/quickstart.yaml
              gradloom tune configs/quickstart.yaml --budget 2m --output tuned.yaml
              gradloom tune configs/digits.yaml --batch 32,64,128 --target-loss 0.1

            USAGE: gradloom tune <configuration> [--set <key.path=value> ...] [--budget <time>] [--output <file>] [--force] [--batch <list>] [--target-loss <loss>] [--allow-other-bits] [--exhaustive] [--json]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --budget <time>         How long is measured at most, such as 30s or 2m.
                                      (default: 60s)
              --output <file>         Write the configuration with the choice, for train.
              --force                 Replace files that exist.
              --batch <list>          Try these batches, too, with commas between them; the
                                      one that reaches --target-loss first wins.
              --target-loss <loss>    The training loss to reach; with --batch.
              --allow-other-bits      Also try what changes the bits of the result: other
                                      shards, and other groups of samples.
              --exhaustive            Measure all candidates until the budget is used up:
                                      none leaves early.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
