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
              <run>                   The run directory, or a file that a program saved a
                                      model in.

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

    static let `import` = HelpTexts(
        command: "import",
        text: """
            OVERVIEW: Begin with a network or the parameters of another program.

            Of an ONNX model, whose graph has to be one of dense layers, layers and
            parameters are taken; of safetensors and npz files the parameters, for the
            network of the configuration. A layer's are called 'LAYER.weight' and
            'LAYER.bias', as PyTorch's modules call them; --map names a layer's prefix
            where it is another one. The output is a configuration, with the parameters
            beside it, to be trained or checked as any other.

            Examples:
              gradloom import model.onnx --config digits.yaml --output new.yaml
              gradloom import model.safetensors --config digits.yaml --output new.yaml \\
                --map layer1=fc1 --map layer2=fc2

            USAGE: gradloom import <input> --config <configuration> --output <file> [--map <layer=prefix> ...] [--prediction <name>] [--force]

            ARGUMENTS:
              <input>                 The file: .onnx, .safetensors or .npz.

            OPTIONS:
              --config <configuration>
                                      The configuration with the data and all but an ONNX
                                      model's network.
              --output <file>         The configuration to write, FILE.yaml;
                                      FILE.safetensors is written, too.
              --map <layer=prefix>    safetensors, npz: what a layer's tensors begin with;
                                      may be repeated.
              --prediction <name>     ONNX: the output that is the prediction; by default
                                      the first one.
              --force                 Replace files that exist.
              --version               Show the version.
              -h, --help              Show help information.

            """)
}
