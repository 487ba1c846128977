import LoomKernels
import Testing

@testable import LoomRuns

/// Which values a search has, and which of their combinations it tries.
@Suite struct SweepSpaceTests {
    @Test(arguments: [
        ("training.batch=32,64,128", ["32", "64", "128"]), ("loss.kind=half_squared", ["half_squared"]),
        ("a=[1, 2],[3]", ["[1, 2]", "[3]"]), ("a={x: 1, y: 2}", ["{x: 1, y: 2}"]),
        ("a=\"0,1\",'2,3'", ["\"0,1\"", "'2,3'"]),
        ("a= 1 , 2 ", ["1", "2"]), ("data.csv.path=../data/a.csv,b..c", ["../data/a.csv", "b..c"]), ("a=x=y", ["x=y"]),
    ])
    func listsAreRead(text: String, values: [String]) throws {
        let key = try SweepKey(text)
        #expect(key.values == .list(values) && key.isChanged == (values.count > 1))
        #expect(key.path == text.split(separator: "=")[0])
    }

    @Test(arguments: [
        ("a=1e-3..1e-1:log:3", ["1e-3", "0.01", "1e-1"]), ("a=1e-3..1e-1:3:log", ["1e-3", "0.01", "1e-1"]),
        ("a=0.0..1:3", ["0.0", "0.5", "1"]), ("a=1..9", ["1", "3", "5", "7", "9"]), ("a=1..3", ["1", "2", "3"]),
        ("a=16..256:log", ["16", "32", "64", "128", "256"]), ("a=-2..2:2", ["-2", "2"]),
        ("a=1e-4..1e-2:log", ["1e-4", "0.0003162", "0.001", "0.003162", "1e-2"]),
        ("a=0.99990..0.99991:3", ["0.99990", "0.999905", "0.99991"]),
    ])
    func rangesHaveGrids(text: String, values: [String]) throws {
        let key = try SweepKey(text)
        #expect(key.gridValues == values && key.gridCount == values.count && !key.isList)
    }

    @Test(arguments: [
        ("a", "expected KEY.PATH=VALUES"), ("a=1,,2", "a value is missing"), ("a=1,2,", "a value is missing"),
        ("a=1,2,1", "the value 1 is there more than once"), ("a=2..1", "the range is empty: 2 is above 1"),
        ("a=2..2", "the range has one value; write 2 alone"), ("a=0..1:log", "0 has no logarithm"),
        ("a=-1..1:log", "-1 has no logarithm"), ("a=1..x", "'1..x' is no range"), ("a=1...2", "'1...2' is no range"),
        ("a=1..2:lin", "':lin' behind a range is neither"), ("a=1..2:1", "':1' behind a range"),
        ("a=1..2:log:log", "':log' behind a range"), ("a=1..2:3:4", "':4' behind a range"),
        ("a=0..9007199254740994", "at most 2⁵³"), ("a=-1.5e308..1.5e308", "too far apart"),
        ("a=1..2,3..4", "is no range"),
    ])
    func mistakesAreNamed(text: String, sentence: String) throws {
        let error = #expect(throws: SweepError.self) { try SweepKey(text) }
        let message = try #require(error).description
        #expect(message.hasPrefix("--set \(text): ") && message.contains(sentence), "\(message)")
    }

    @Test func keysAreGivenOnceAndAreTheUsers() {
        #expect(throws: SweepError.repeatedKey("a")) { try SweepSpace(["a=1,2", "b=1", "a=3"]) }
        #expect(throws: SweepError.ownKey("parallel.workers")) { try SweepSpace(["parallel.workers=1,2"]) }
        #expect(throws: SweepError.ownKey("run.directory")) { try SweepSpace(["run.directory=x"]) }
    }

    @Test func aGridHasEveryCombination() throws {
        let space = try SweepSpace(["a=1,2", "b=x", "c=0.0..1:3"])
        #expect(space.defaultSearch == .random)
        #expect(
            try space.grid() == [
                ["1", "x", "0.0"], ["1", "x", "0.5"], ["1", "x", "1"], ["2", "x", "0.0"], ["2", "x", "0.5"],
                ["2", "x", "1"],
            ])
        #expect(try SweepSpace(["a=1,2", "b=x"]).defaultSearch == .grid)
        #expect(throws: SweepError.tooManyTrials(1001)) { try SweepSpace(["a=0.0..1:1001"]).grid() }
        // More than can be counted.
        let large = try SweepSpace((0..<20).map { "a\($0)=0.0..1:100000000" })
        #expect(large.gridCount == .max)
        #expect(throws: SweepError.tooManyTrials(.max)) { try large.grid() }
    }

    @Test func randomTrialsDependOnTheSeedAlone() throws {
        let space = try SweepSpace(["a=1e-4..1e-1:log", "b=8..12", "c=x,y,z", "d=0.5"])
        let trials = try space.random(200, seed: 7)
        #expect(trials.count == 200 && Set(trials).count == 200)
        #expect(try space.random(50, seed: 7) == Array(trials[..<50]))
        #expect(try space.random(200, seed: 8) != trials)
        let rates = try trials.map { try #require(Double($0[0])) }
        #expect(rates.allSatisfy { $0 >= 1e-4 && $0 <= 1e-1 })
        // Equal ratios are equally probable: a third of the draws in each of three decades, within four deviations.
        for decade in [1e-4, 1e-3, 1e-2] {
            let share = Double(rates.count { $0 >= decade && $0 < decade * 10 }) / 200
            let deviation = (2.0 / 9 / 200).squareRoot()
            #expect(abs(share - 1 / 3) < 4 * deviation)
        }
        #expect(Set(trials.map { $0[1] }) == ["8", "9", "10", "11", "12"])
        #expect(Set(trials.map { $0[2] }) == ["x", "y", "z"] && Set(trials.map { $0[3] }) == ["0.5"])
    }

    @Test func aSmallSpaceHasNoTrialTwice() throws {
        let space = try SweepSpace(["a=1..3", "b=x,y"])
        let trials = try space.random(20, seed: 1)
        #expect(try trials.count == 6 && Set(trials) == Set(space.grid()))
        #expect(throws: SweepError.tooManyTrials(1001)) { try space.random(1001, seed: 1) }
    }

    @Test func wholeNumbersOfALogarithmicRangeAreAllThere() throws {
        let range = try #require(try SweepRange("1..4:log", in: ""))
        // The intervals of the numbers are [1, 2), [2, 3), [3, 4) and [4, 5) in logarithms.
        #expect(range.drawn(1e-9) == "1" && range.drawn(0.43) == "1" && range.drawn(0.44) == "2")
        #expect(
            range.drawn(0.68) == "2" && range.drawn(0.69) == "3" && range.drawn(0.87) == "4"
                && range.drawn(1 - 1e-12) == "4")
    }
}
