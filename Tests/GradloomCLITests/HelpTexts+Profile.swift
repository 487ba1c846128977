extension HelpTexts {
    static let profile = HelpTexts(
        command: "profile",
        text: """
            OVERVIEW: Show where the time of a training goes, and what stops it from
            scaling.

            Runs the steps that train would run, on the same data, with several numbers of
            workers in turn, and writes nothing but what is asked for. It says first what
            limits the training here, and what to try. What changed between profiles is
            said by gradloom profile compare: see gradloom help profile compare.

            Examples:
              gradloom profile configs/quickstart.yaml
              gradloom profile configs/quickstart.yaml --workers 1,2 --seconds 20
              gradloom profile configs/quickstart.yaml --steps 1000 --json
              gradloom profile configs/quickstart.yaml --trace steps.perfetto-trace
              gradloom profile configs/quickstart.yaml --report profile.html
              gradloom profile compare before.json after.json
              gradloom profile configs/quickstart.yaml --simulate "pack:2 l3:4 core:8 pu:2"

            USAGE: gradloom profile <configuration> [--set <key.path=value> ...] [--workers <list>] [--scaling <scaling>] [--seconds <s>] [--steps <n>] [--trace <file>] [--report <file>] [--force] [--simulate <topology>] [--memory-bandwidth <gb/s>] [--json]

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
              --steps <n>             Instead of --seconds: the steps to run, at least,
                                      with each number of workers.
              --trace <file>          Write the last steps of the largest number of workers
                                      as a trace, for ui.perfetto.dev.
              --report <file>         Write a page with charts, one HTML file that needs no
                                      network.
              --force                 Replace files that exist.
              --simulate <topology>   Predict instead how steps would run on another
                                      machine: a topology of hwloc, such as 'pack:2 l3:4
                                      core:8 pu:2', or a file with one in XML.
              --memory-bandwidth <gb/s>
                                      The memory bandwidth of a NUMA node of that machine.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let profileCompare = HelpTexts(
        command: "profile compare",
        text: """
            OVERVIEW: Say what changed beyond noise between profiles.

            Compares files that profile --json wrote: speeds by number of workers, and with
            the largest one a step and its operations. Ratios are of times: above 1 is
            slower. Two profiles of one program differ, too: four of each side show how
            much, of fewer --run-noise is assumed. The exit code is 0 when no number of
            workers is slower, 1 when one is, and 2 when noise hides it.

            Examples:
              gradloom profile compare before.json after.json
              gradloom profile compare --before b?.json --after a?.json
              gradloom profile compare before.json after.json --run-noise 0.01 --json

            USAGE: gradloom profile compare [<profiles> ...] [--before <file> ...] [--after <file> ...] [--relevant-change <part>] [--run-noise <part>] [--json]

            ARGUMENTS:
              <profiles>              Two profiles: before, and after.

            OPTIONS:
              --before <file>         Several profiles before.
              --after <file>          Several profiles after.
              --relevant-change <part>
                                      The smallest change that matters, as a part.
                                      (default: 0.03)
              --run-noise <part>      How far the speeds of equal runs are apart, as a
                                      part: their standard deviation. (default: 0.07)
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
