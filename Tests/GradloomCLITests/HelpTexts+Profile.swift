extension HelpTexts {
    static let profile = HelpTexts(
        command: "profile",
        text: """
            OVERVIEW: Show where the time of a training goes, and what stops it from
            scaling.

            Runs the steps that train would run, on the same data, with several numbers of
            workers in turn, and writes nothing but what is asked for. It says first what
            limits the training here, and what to try.

            Examples:
              gradloom profile configs/quickstart.yaml
              gradloom profile configs/quickstart.yaml --workers 1,2 --seconds 20
              gradloom profile configs/quickstart.yaml --steps 1000 --json
              gradloom profile configs/quickstart.yaml --trace steps.perfetto-trace

            USAGE: gradloom profile <configuration> [--set <key.path=value> ...] [--workers <list>] [--scaling <scaling>] [--seconds <s>] [--steps <n>] [--trace <file>] [--json]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --workers <list>        The numbers of workers, with commas between them; 1,
                                      2, 4 … and all by default.
              --scaling <scaling>     Whether the batch stays the same (strong) or grows
                                      with the workers (weak). (values: strong, weak;
                                      default: strong)
              --seconds <s>           About how long is measured, in all; 10 by default.
              --steps <n>             Instead of --seconds: the steps to measure, at least,
                                      with each number of workers.
              --trace <file>          Write the last steps of the largest number of workers
                                      as a trace, for ui.perfetto.dev.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
