extension HelpTexts {
    static let generate = HelpTexts(
        command: "generate",
        text: """
            OVERVIEW: Write the samples of a synthetic task to files, or show some of them.

            Any training can make its samples itself (data.synthetic); files are for other
            programs, and for data to keep. The directory has npy files and their
            description, dataset.json, with task, seed and checksums; a configuration names
            it in data.dataset.path. After an interruption, the same command goes on.

            Examples:
              gradloom generate --task teacher --samples 1000000 --output teacher
              gradloom generate configs/quickstart.yaml --output quickstart
              gradloom generate --task spirals --samples 2000 --format csv \\
                --output spirals.csv
              gradloom generate --task spirals --samples 500 --preview
              gradloom generate --task teacher --samples 1000000 --speed
              gradloom generate --describe teacher
              gradloom generate --verify teacher

            USAGE: gradloom generate [<options>] [<configuration>]

            ARGUMENTS:
              <configuration>         A configuration with data.synthetic.

            OPTIONS:
              --task <task>           The task, where no configuration is given. (values:
                                      teacher, blobs, mixture, spirals, rings, xor, parity,
                                      logistic, intervals, triangle, threshold, linear,
                                      friedman1, friedman2, friedman3, exponentials,
                                      letters, voices, prices)
              --samples <n>           The number of samples.
              --inputs <n>            The number of features.
              --classes <n>           The number of classes.
              --seed <n>              What decides every sample.
              --output <path>         The directory, or the CSV file, to write.
              --format <format>       The form of the files. (values: gradloom, npy, csv;
                                      default: gradloom)
              --shard-rows <n>        The rows of each file but the last; as many as make
                                      64 MiB by default.
              --preview               Print the first samples, and a picture where they
                                      have two features or are images.
              --speed                 Make the samples, write nothing, and say how fast.
              --describe <dir>        Print what a directory holds.
              --verify <dir>          Compare a directory's files with their checksums.
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --json                  Print one JSON object on standard output.
              --force                 Replace a data set that the directory holds, or the
                                      file.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
