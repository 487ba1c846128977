extension HelpTexts {
    static let watch = HelpTexts(
        command: "watch",
        text: """
            OVERVIEW: Show a run's course in the terminal while it goes on.

            Reads the run's files, so that it works beside a training of another terminal,
            or of another machine with the same disk, and costs it nothing. It ends when
            the training has ended. Where the output is no terminal, the curves are printed
            once.

            Examples:
              gradloom watch runs/digits-20260102T030405Z
              gradloom watch runs/digits-20260102T030405Z --once

            USAGE: gradloom watch <run> [--interval <s>] [--once]

            ARGUMENTS:
              <run>                   The run directory.

            OPTIONS:
              --interval <s>          Seconds between two looks. (default: 1.0)
              --once                  Print the curves once, and end.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let report = HelpTexts(
        command: "report",
        text: """
            OVERVIEW: Write a page about one or several runs.

            The page has learning curves, what the predictions are worth, where
            configurations differ, speed, and where the results come from: one HTML file
            that needs no network. Predictions are measured as gradloom evaluate does;
            --no-predictions leaves that out.

            Examples:
              gradloom report runs/digits-20260102T030405Z --output digits.html
              gradloom report runs/digits-* --output digits.html --no-predictions

            USAGE: gradloom report <runs> ... --output <file> [--no-predictions] [--force]

            ARGUMENTS:
              <runs>                  The run directories.

            OPTIONS:
              --output <file>         The page to write; - for standard output.
              --no-predictions        Leave out what needs the data: only the files of runs
                                      are read.
              --force                 Replace files that exist.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
