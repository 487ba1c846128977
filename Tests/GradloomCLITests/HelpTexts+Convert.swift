extension HelpTexts {
    static let convert = HelpTexts(
        command: "convert",
        text: """
            OVERVIEW: Bring data of any format into a directory that is read fastest.

            The input is a configuration, whose data are converted, or a file: CSV, npy,
            npz, IDX, LIBSVM or HDF5, recognised by what it begins with, compressed with
            gzip or not. The directory has npy files and their description, dataset.json; a
            configuration names it in data.dataset.path. After an interruption, the same
            command goes on.

            Examples:
              gradloom convert configs/digits.yaml digits
              gradloom convert table.csv.gz table --label class
              gradloom convert train-images-idx3-ubyte.gz mnist \\
                --targets train-labels-idx1-ubyte.gz --scale 1/255
              gradloom convert mnist.npz mnist --inputs x_train --targets y_train
              gradloom convert --describe mnist
              gradloom convert --verify mnist
              gradloom convert --parquet-script >parquet.py

            USAGE: gradloom convert [<options>] [<input>] [<output>]

            ARGUMENTS:
              <input>                 The configuration or the data file.
              <output>                The directory to write.

            OPTIONS:
              --label <column>        CSV: the column of labels, by name or by number from
                                      0.
              --inputs <name>         npz, HDF5: the name of the inputs' array.
              --targets <file|name>   npy, IDX: the file of the targets; npz, HDF5: the
                                      name of their array.
              --scale <x>             npy, npz, IDX, HDF5: what inputs are multiplied with,
                                      such as 1/255.
              --features <n>          LIBSVM: the number of features.
              --shard-rows <n>        The rows of every file but the last; as many as make
                                      64 MiB by default.
              --float64               Write inputs and real targets in float64 rather than
                                      float32.
              --describe <dir>        Print what a directory holds.
              --verify <dir>          Compare a directory's files with their checksums.
              --parquet-script        Print a Python program that brings Parquet and Arrow
                                      files into such a directory.
              --json                  Print one JSON object on standard output.
              --set <key.path=value>  Replace a value of the configuration; may be repeated.
              --force                 Replace a data set that the directory holds.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
