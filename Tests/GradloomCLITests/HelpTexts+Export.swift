extension HelpTexts {
    static let export = HelpTexts(
        command: "export",
        text: """
            OVERVIEW: Write a trained network for another program.

            onnx has the whole way from a sample to its prediction: the input 'input',
            samples × columns of the data, in float32, what training made of the columns,
            and the outputs 'prediction' and, for classes, 'label'. A column of categories
            is the category's index, and a missing value NaN. safetensors has the
            parameters under the names of PyTorch's modules, 'LAYER.weight' and
            'LAYER.bias', and npz the same as NumPy arrays; both describe the network as
            JSON.

            Examples:
              gradloom export runs/digits-20260102T030405Z --output digits.onnx
              gradloom export runs/digits-20260102T030405Z --output digits.safetensors
              gradloom export runs/digits-20260102T030405Z --output digits.npz

            USAGE: gradloom export <run> [--checkpoint <file>] [--workers <n>] [--format <format>] --output <file> [--force]

            ARGUMENTS:
              <run>                   The run directory.

            OPTIONS:
              --checkpoint <file>     A checkpoint to use instead of the run's best one, if
                                      it stops early, or its newest.
              --workers <n>           The number of workers; one per allowed core by
                                      default.
              --format <format>       The kind of file; by default what the output is
                                      called. (values: onnx, safetensors, npz)
              --output <file>         The file to write; - for standard output.
              --force                 Replace files that exist.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
