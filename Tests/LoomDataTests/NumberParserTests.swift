import Foundation
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

    private func word(_ random: CounterRandom, _ index: UInt64) -> UInt64 {
        let bits = random.bits(at: index)
        return UInt64(bits[0]) << 32 | UInt64(bits[1])
    }

    /// Every sign, length and power, and bits at random, written in five ways.
    @Test func agreesOnRandomBits() {
        let random = CounterRandom(seed: 2, purpose: .measurement)
        for index in 0..<20_000 as Range<UInt64> {
            let bits = word(random, index)
            let value = Double(bitPattern: bits)
            guard value.isFinite else { continue }
            let digits = Int(bits % 19)
            let integer = bits >> (bits % 60)
            for text in [
                "\(value)", String(format: "%.\(digits)e", value), String(format: "%.\(digits)g", value),
                "\(integer).\(bits % 10)e\(Int(bits % 640) - 330)", "\(integer)e-\(bits % 25)",
            ] {
                #expect(parse(text)?.bitPattern == strtod(text, nil).bitPattern, "\(text)")
            }
        }
    }

    /// Halfway between two numbers of 53 bits, exactly and nearly.
    @Test func agreesHalfwayBetweenNumbers() {
        let random = CounterRandom(seed: 3, purpose: .measurement)
        for index in 0..<20_000 as Range<UInt64> {
            let odd = word(random, index) >> 11 | 1 << 53 | 1
            let power = Int(index % 24)
            for text in [
                "\(odd)", "\(odd).000", "\(odd - 1)e\(power)", "\(odd)e\(power)", "\(odd)e-\(power)", "\(odd).0001",
            ] {
                #expect(parse(text)?.bitPattern == strtod(text, nil).bitPattern, "\(text)")
            }
            // m · 2⁻ᵏ, k digits of which 5ᵏ makes whole.
            let small = (odd >> 30) | 1
            let fives = (0..<power / 2).reduce(1 as UInt64) { product, _ in product * 5 }
            let (product, isTooLarge) = small.multipliedReportingOverflow(by: fives)
            if !isTooLarge { #expect(parse("\(product)e-\(power / 2)") == strtod("\(product)e-\(power / 2)", nil)) }
        }
    }

    @Test func leadingZerosAreNoDigits() {
        #expect(parse("0.00000000000000000001234567890123456789") == 1.234567890123456789e-20)
        #expect(parse("00000000000000000000000000.5") == 0.5)
        #expect(parse("-0.0000000000000000000000")?.bitPattern == (-0.0).bitPattern)
        #expect(parse("1234567890123456789012e-2") == 12345678901234567890.12)
    }

    @Test func decimalCommas() {
        func parse(_ text: String) -> Double? {
            Array(text.utf8).withUnsafeBufferPointer { NumberParser.parse($0, point: UInt8(ascii: ",")) }
        }
        #expect(parse("1,5") == 1.5)
        #expect(parse("-0,25e2") == -25)
        #expect(parse("0,12345678901234567890123") == 0.12345678901234567890123)
        for text in ["1.5", "1.234,5", "1,5,0", "0.12345678901234567890123", ","] { #expect(parse(text) == nil) }
    }
}
