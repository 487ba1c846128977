import Testing

/// The help texts of the commands, word for word.
struct HelpTexts: Sendable, CustomTestStringConvertible {
    /// The command; nil: the program itself.
    let command: String?
    let text: String

    var arguments: [String] { (command ?? "").split(separator: " ").map(String.init) + ["--help"] }
    var testDescription: String { command ?? "gradloom" }

    static let all = [
        gradloom, train, evaluate, watch, report, predict, export, `import`, generate, convert, inspect, jacobian,
        graph, check, sweep, tune,
        profile,
        profileCompare,
        doctor, peak, topology,
    ]

    static let gradloom = HelpTexts(
        command: nil,
        text: """
            OVERVIEW: Trains dense neural networks on CPU cores, batch-parallel, and shows
            where the speed comes from.

            Examples:
              gradloom train configs/quickstart.yaml
              gradloom inspect configs/seeds/001-worked-example.yaml
              gradloom topology

            USAGE: gradloom <subcommand>

            OPTIONS:
              --version               Show the version.
              -h, --help              Show help information.

            SUBCOMMANDS:
              train                   Train the network that a configuration describes.
              evaluate                Measure the predictions of a trained network.
              watch                   Show a run's course in the terminal while it goes on.
              report                  Write a page about one or several runs.
              predict                 Predict with a trained network.
              export                  Write a trained network for another program.
              import                  Begin with a network or the parameters of another
                                      program.
              generate                Write the samples of a synthetic task to files, or
                                      show some of them.
              convert                 Bring data of any format into a directory that is
                                      read fastest.
              inspect                 Show one pass forward and backward with every number
                                      on the way.
              jacobian                Compute exact Jacobians of a network.
              graph                   Draw the computation graph of a training, with shapes
                                      and parameters.
              check                   Compare a configuration's gradients, computed in
                                      several ways.
              sweep                   Search the hyperparameters with which a configuration
                                      trains best.
              tune                    Find the fastest number of workers, placement, shards
                                      and route for a training.
              profile                 Show where the time of a training goes, and what
                                      stops it from scaling.
              doctor                  Look for what slows trainings down here, measure its
                                      cost, and say what mends it.
              peak                    Measure what this machine can do at most, and the
                                      products of a model.
              topology                Draw this machine, what this process may use of it
                                      and why, and where workers go.

              See 'gradloom help <subcommand>' for detailed help.
            """)

    static let train = HelpTexts(
        command: "train",
        text: """
            OVERVIEW: Train the network that a configuration describes.

            Writes a run directory with the resolved configuration, the metrics, a summary
            and checkpoints. Ctrl-C ends after the current step, with a checkpoint.

            Examples:
              gradloom train configs/quickstart.yaml
              gradloom train configs/digits.yaml --set optimizer.learning_rate=0.05
              gradloom train --resume runs/digits-20260102T030405Z
              gradloom train configs/quickstart.yaml --profile profile.json

            USAGE: gradloom train [<options>] [<configuration>]

            ARGUMENTS:
              <configuration>         The configuration, a YAML file.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --workers <n>           The number of workers, instead of the configuration's
                                      parallel.workers.
              --on-nan <stop|rollback>
                                      When a loss is no finite number: stop, or rollback to
                                      the last good checkpoint and on at half of the
                                      learning rate; instead of the configuration's
                                      training.on_nan. (values: stop, rollback)
              --force-precision       Train in mixed precision where float32 is faster,
                                      too: the bits are the same on every processor.
              --fold <i/k>            Validate on one part of as many of one size, such as
                                      2/5, and train on the others; instead of the fraction
                                      of the configuration's data.validation.
              --resume <run>          Go on with an interrupted run, from its newest
                                      checkpoint.
              --until-epoch <n>       End after this epoch, as by Ctrl-C: --resume goes on
                                      to training.epochs, for which the schedule is made.
              --learning-rate-finder  Instead of a training: raise the learning rate from
                                      step to step until the loss diverges, and suggest one.
              --accept-numerics       With --resume: go on although this version, or
                                      parallel.gemm, gives other bits than those that the
                                      run began with.
              --force                 With --resume: go on although data or settings are
                                      others than those that the run was trained with.
                                      Without: replace the file of --profile.
              --profile <file.json>   Write where the time of the training's steps goes to
                                      a file: what gradloom profile --json prints.
              --json                  Print one JSON object a line on standard output;
                                      everything else goes to standard error.
              --quiet                 Print nothing but errors, and with --json the JSON
                                      lines.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let evaluate = HelpTexts(
        command: "evaluate",
        text: """
            OVERVIEW: Measure the predictions of a trained network.

            Without --data, on the validation part of the run's own data, or on all of them
            where no part was kept for validation. Prints loss and accuracy; for classes
            precision, recall, F1 and who is taken for whom; for two classes also ROC AUC,
            average precision, log loss, Brier score and calibration; for a regression MAE,
            RMSE and R². All with the definitions of scikit-learn.

            --data is CSV, npy, npz, IDX, LIBSVM or HDF5, recognised by what it begins
            with, compressed with gzip or not, a directory of gradloom convert, or a
            configuration, whose data are taken.

            Examples:
              gradloom evaluate runs/digits-20260102T030405Z
              gradloom evaluate runs/digits-20260102T030405Z --data more.csv
              gradloom evaluate runs/wine-20260102T030405Z \\
                --data x.npy --targets y.npy

            USAGE: gradloom evaluate <run> [--checkpoint <file>] [--workers <n>] [--data <file|dir>] [--targets <file|name>] [--label <column>] [--inputs <name>] [--scale <x>] [--json]

            ARGUMENTS:
              <run>                   The run directory, or a file that a program saved a
                                      model in.

            OPTIONS:
              --checkpoint <file>     A checkpoint to use instead of the run's best one, if
                                      it stops early, or its newest.
              --workers <n>           The number of workers; one per allowed core by
                                      default.
              --data <file|dir>       Samples with targets.
              --targets <file|name>   npy, IDX: the file of the targets; npz, HDF5: the
                                      name of their array.
              --label <column>        CSV: the column of labels, by name or by number from
                                      0; that of the training by default.
              --inputs <name>         npz, HDF5: the name of the inputs' array; that of the
                                      training by default.
              --scale <x>             npy, npz, IDX, HDF5: what inputs are multiplied with,
                                      such as 1/255; as in training by default.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let predict = HelpTexts(
        command: "predict",
        text: """
            OVERVIEW: Predict with a trained network.

            A CSV output has one row per sample: the predicted class and the probability of
            every class, or the outputs of a regression, under their names. An npy output
            is the array of outputs, samples × units.

            The input is CSV, npy, npz, IDX, LIBSVM or HDF5, recognised by what it begins
            with, compressed with gzip or not, a directory of gradloom convert, or a
            configuration, whose data are taken. Labels in it are not read.

            Examples:
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.csv --output y.csv
              gradloom predict runs/digits-20260102T030405Z \\
                --input x.npy --output y.npy

            USAGE: gradloom predict <run> [--checkpoint <file>] [--workers <n>] --input <file|dir> --output <file> [--inputs <name>] [--scale <x>] [--force]

            ARGUMENTS:
              <run>                   The run directory, or a file that a program saved a
                                      model in.

            OPTIONS:
              --checkpoint <file>     A checkpoint to use instead of the run's best one, if
                                      it stops early, or its newest.
              --workers <n>           The number of workers; one per allowed core by
                                      default.
              --input <file|dir>      The samples.
              --output <file>         Where the predictions go, FILE.csv or FILE.npy; - for
                                      CSV on standard output.
              --inputs <name>         npz, HDF5: the name of the inputs' array; that of the
                                      training by default.
              --scale <x>             npy, npz, IDX, HDF5: what inputs are multiplied with,
                                      such as 1/255; as in training by default.
              --force                 Replace files that exist.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let doctor = HelpTexts(
        command: "doctor",
        text: """
            OVERVIEW: Look for what slows trainings down here, measure its cost, and say
            what mends it.

            The findings, the most expensive first: what each costs of a training's speed,
            why, and the command or setting that mends it. A configuration is checked for
            what it makes of this machine, too. The exit code is 1 when something costs
            more than 5 %.

            Examples:
              gradloom doctor
              gradloom doctor configs/quickstart.yaml
              gradloom doctor --workers 1 --seconds 1 --json

            USAGE: gradloom doctor [<configuration>] [--set <key.path=value> ...] [--workers <n>] [--seconds <s>] [--json]

            ARGUMENTS:
              <configuration>         A configuration that is to be trained here.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --workers <n>           The number of workers, instead of the
                                      configuration's, or of one per allowed core.
              --seconds <s>           About how long all is measured. (default: 3.0)
              --json                  Print one JSON object a line for each finding.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let peak = HelpTexts(
        command: "peak",
        text: """
            OVERVIEW: Measure what this machine can do at most, and the products of a
            model.

            The arithmetic peak of the processor's instructions, large matrix products,
            memory bandwidth, and how long workers take to meet, on one worker and on all.
            Figures are medians; beside them the lowest and the highest. Shares are of the
            highest peak measured so far, which train compares itself with, too.

            Examples:
              gradloom peak
              gradloom peak configs/quickstart.yaml
              gradloom peak --precision float64 --workers 1 --json

            USAGE: gradloom peak [<configuration>] [--set <key.path=value> ...] [--workers <n>] [--precision <precision>] [--seconds <s>] [--array-size <size>] [--json]

            ARGUMENTS:
              <configuration>         A configuration whose matrix products are measured,
                                      too.

            OPTIONS:
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --workers <n>           The number of workers, instead of the
                                      configuration's, or of one per allowed core.
              --precision <precision> The only precision to measure, also of the
                                      configuration's products. (values: float32, float64)
              --seconds <s>           About how long each figure is measured. (default:
                                      0.35)
              --array-size <size>     The size of each array in memory, such as 64MiB; by
                                      default too large for all caches.
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)

    static let topology = HelpTexts(
        command: "topology",
        text: """
            OVERVIEW: Draw this machine, what this process may use of it and why, and where
            workers go.

            Examples:
              gradloom topology
              gradloom topology --workers 4 --placement per-l3
              gradloom topology --json

            USAGE: gradloom topology [--workers <n>] [--placement <placement>] [--json]

            OPTIONS:
              --workers <n>           The number of workers; one per allowed core by
                                      default.
              --placement <placement> auto, compact, spread, per-l3, none or a list of CPUs
                                      such as 0,2,4-7. (default: auto)
              --json                  Print one JSON object on standard output.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
