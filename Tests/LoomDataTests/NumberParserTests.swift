import LoomKernels
import Testing

@testable import LoomData

@Suite("Numbers in text")
struct NumberParserTests {
    private func parse(_ text: String) -> Double? {
        Array(text.utf8).withUnsafeBufferPointer { NumberParser.parse($0) }
    }

    /// The standard library's conversion, which rounds correctly, is the oracle.
    @Test(arguments: [
        "0", "-0", "1", "-1.5", "+2", ".5", "5.", "1e3", "1E-3", "12e+2", "123456789012345678",
        "9007199254740993",
        "0.1", "0.3", "3.14159265358979323846", "2.5e-324", "1.7976931348623157e308", "1e22", "1e23", "1e-22",
        "1e-23",
        "123e20", "0.000001", "4.35", "1.2345678901234567e-05", "00012", "0e0", "9007199254740992e22",
        "1e-400", "18446744073709551617",
    ])
    func agreesWithTheStandardLibrary(text: String) throws {
        let value = try #require(parse(text))
        let expected = try #require(Double(text))
        #expect(value.bitPattern == expected.bitPattern)
    }

    @Test func agreesOnRandomNumbers() {
        let random = CounterRandom(seed: 1, purpose: .measurement)
        for index in 0..<2000 as Range<UInt64> {
            let scale = [1, 1e-8, 1e12, 1e-30, 1e100][Int(index % 5)]
            let value = random.normal(at: index) * scale
            #expect(parse("\(value)") == value)
            let rounded = (random.normal(at: index) * 1e6).rounded() / 1e6
            #expect(parse("\(rounded)") == rounded)
        }
    }

    @Test(arguments: [
        "", " ", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "1,5", "1 2", "abc", "1x", "0x10", "--1", "1e5.0",
        "1_000",
        "NA", "1-", "٣",
    ])
    func refuses(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func blanksAndSpecialValues() {
        #expect(parse(" \t1.5 ") == 1.5)
        #expect(parse("nan")?.isNaN == true)
        #expect(parse("NaN")?.isNaN == true)
        #expect(parse("-inf") == -.infinity)
        #expect(parse("1e999") == .infinity)
        #expect(parse("-0")?.sign == .minus)
    }
}
