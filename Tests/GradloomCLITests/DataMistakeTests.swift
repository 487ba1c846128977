import Foundation
import Testing

@Suite struct DataMistakeTests {
    private let workplace: Workplace

    init() throws { workplace = try Workplace() }

    private static func csv(_ name: String, _ text: String?, code: Int32 = 65, _ message: String) -> Mistake {
        var files = ["classes.yaml": SampleData.classes]
        files["data.csv"] = text
        return Mistake(
            name: name, arguments: ["train", "classes.yaml"], files: files, exitCode: code, message: message)
    }

    @Test(arguments: [
        csv(
            "no file", nil, code: 66,
            "error: {DIR}/data.csv: there is no such file; check the path; relative paths start at {DIR}"),
        csv("empty file", "", "error: {DIR}/data.csv: the file is empty; give one sample per line"),
        csv(
            "only a header", "a,b,y\n",
            "error: {DIR}/data.csv: the data set is empty; give at least one sample"
        ),
        csv(
            "ragged", "a,b,y\n1,2,0\n1,2\n3,4,1\n",
            """
            error: {DIR}/data.csv, line 3: 2 cells, but the first line has 3; give every line the same number \
            of cells
            """
        ),
        csv(
            "NaN", "a,b,y\n1,2,0\n1,nan,1\n3,4,1\n",
            """
            error: {DIR}/data.csv, line 3, column 2 (b): the input is NaN; inputs must be finite numbers: \
            replace the \
            value or leave the sample out
            """),
        csv(
            "infinite", "a,b,y\n1,2,0\n1,2,1\n-inf,4,1\n",
            """
            error: {DIR}/data.csv, line 4, column 1 (a): the input is infinite in float64; inputs must be \
            finite \
            numbers: replace the value or leave the sample out
            """),
        csv(
            "text for a number", "a,b,y\n1,2,0\n1,two,1\n3,4,1\n",
            """
            error: {DIR}/data.csv, line 3, column 2 (b): "two" is not a number; correct the cell, remove \
            the line, or \
            ignore the column; if it holds categories, list it in data.csv.categories
            """),
        csv(
            "label out of range", "a,b,y\n1,2,0\n1,2,7\n3,4,1\n",
            """
            error: {DIR}/data.csv, line 3, target y: the label is 7, allowed are 0 … 2 (3 classes); correct \
            the label, \
            declare the label base, or change the number of output units
            """),
        csv(
            "no label column", "a,b,z\n1,2,0\n",
            "error: {DIR}/data.csv, line 1: there is no column \"y\"; the columns are: a, b, z"),
        csv(
            "more classes than units", "a,b,y\n1,2,cat\n1,2,dog\n3,4,cow\n4,4,hen\n", code: 78,
            """
            error: the last layer 'output' has 3 units, but the labels name 4 classes (cat, cow, dog, hen); \
            give it \
            4 units
            """),
    ])
    func aMistakeInACSVFileIsNamed(mistake: Mistake) throws {
        try mistake.check(in: workplace)
    }

    @Test(arguments: [
        (
            "a,y\n1,cat\n",
            "error: {DIR}/validation.csv, line 1: there is no column \"b\"; the columns are: a, y\n"
        ),
        (
            "1,2,3,cat\n",
            """
            error: {DIR}/validation.csv: 3 feature columns for validation, but 2 for training; give both the same \
            features

            """
        ),
        (
            "a,b,y\n1,2,hen\n",
            """
            error: {DIR}/validation.csv, line 2, column 3 (y): "hen" is none of the 3 classes; the classes \
            are: cat, cow, dog

            """
        ),
    ])
    func validationDataMatchTheTrainingData(text: String, message: String) throws {
        let source =
            text.hasPrefix("1") ? "{path: validation.csv, label: -1}" : "{path: validation.csv, label: y}"
        try workplace.write(
            SampleData.classes.replacing("label: y}", with: "label: y}\n  validation: {csv: \(source)}"),
            to: "classes.yaml")
        try workplace.write(SampleData.animals, to: "data.csv")
        try workplace.write(text, to: "validation.csv")
        let outcome = try workplace.run("train", "classes.yaml")
        #expect(outcome.exitCode == 65)
        #expect(outcome.errors == message.replacing("{DIR}", with: workplace.path))
        #expect(try workplace.names() == ["classes.yaml", "data.csv", "validation.csv"])
    }

    private static let inputs = SampleData.bytes([1.0, 2, 3, 4, 5, 6] as [Float])
    private static let whole = SampleData.npy("<f4", shape: "(3, 2)", inputs)

    @Test(arguments: [
        (whole.dropLast(4), "the file is truncated"),
        (SampleData.npy("<f4", shape: "(3, 2)", fortranOrder: true, inputs), "Fortran order"),
        (SampleData.npy(">f4", shape: "(3, 2)", inputs), "big-endian"),
        (SampleData.npy("<c8", shape: "(3, 1)", inputs), "elements of type <c8"),
        (Data("numbers".utf8), "not a .npy file"),
    ])
    func aMistakeInAnNpyFileIsNamed(bytes: Data, problem: String) throws {
        try workplace.write(
            SampleData.classes.replacing(
                "csv: {path: data.csv, label: y}", with: "npy: {inputs: x.npy, targets: y.npy}"),
            to: "npy.yaml")
        try workplace.write(
            SampleData.npy("<i4", shape: "(3,)", SampleData.bytes([0, 1, 2] as [Int32])), to: "y.npy")
        try workplace.write(Self.whole, to: "x.npy")
        _ = try workplace.train("npy.yaml", "--set", "run.directory=good")
        try workplace.write(bytes, to: "x.npy")
        let outcome = try workplace.run("train", "npy.yaml")
        #expect(outcome.exitCode == 65)
        #expect(outcome.errors.hasPrefix("error: \(workplace.path)/x.npy: "))
        #expect(outcome.errors.contains(problem))
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(try workplace.names() == ["good", "npy.yaml", "x.npy", "y.npy"])
    }
}
