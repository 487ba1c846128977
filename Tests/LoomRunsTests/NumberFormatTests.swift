import LoomRuns
import Testing

@Suite struct NumberFormatTests {
    @Test(arguments: [
        (0, "0"), (0.5, "0.50"), (950, "950"), (999.4, "999"), (999.6, "1.00 k"), (1234, "1.23 k"),
        (9994, "9.99 k"),
        (9996, "10.0 k"), (99_960, "100 k"), (1_230_000, "1.23 M"), (13_200_000, "13.2 M"), (4.2e9, "4.20 G"),
        (3e18, "3000 P"), (-1500, "-1.50 k"), (.nan, "NaN"), (-.infinity, "-infinity"),
    ])
    func prefixes(value: Double, text: String) {
        #expect(NumberFormat.prefixed(value) == text)
    }

    @Test(arguments: [
        (0, "0 s"), (4.2e-9, "4 ns"), (3.4e-7, "340 ns"), (1.5e-6, "1.50 µs"), (3.4e-4, "340 µs"),
        (0.0123, "12.3 ms"), (0.9996, "1.0 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1 m 00 s"),
        (72, "1 m 12 s"), (3599.4, "59 m 59 s"), (3599.6, "1 h 00 m"), (11_100, "3 h 05 m"),
        (86_399, "1 d 00 h"),
        (187_200, "2 d 04 h"), (1e20, "more than 30 years"), (-72, "-1 m 12 s"), (.nan, "NaN"),
        (.infinity, "infinity"),
    ])
    func durations(seconds: Double, text: String) {
        #expect(NumberFormat.duration(seconds: seconds) == text)
    }

    @Test(arguments: [
        (0, "0.000"), (0.23451, "0.2345"), (2.5, "2.500"), (12345, "1.234e+04"), (1234, "1234"),
        (1.2344e-5, "1.234e-05"), (-0.5, "-0.5000"), (.nan, "NaN"), (.infinity, "infinity"),
    ])
    func numbers(value: Double, text: String) {
        #expect(NumberFormat.number(value) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"), (1_048_064, "1.00 MiB"),
        (12_884_901_888, "12.0 GiB"), (-2048, "-2.00 KiB"),
    ])
    func bytes(count: Int, text: String) {
        #expect(NumberFormat.bytes(count) == text)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (1_000_000, "1,000,000"), (12_034, "12,034"),
        (-1_050, "-1,050"),
        (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func groups(value: Int, text: String) {
        #expect(NumberFormat.grouped(value) == text)
    }

    @Test func sharesAndSpeeds() {
        #expect(NumberFormat.percentage(0.93124) == "93.1 %")
        #expect(NumberFormat.percentage(1, digits: 0) == "100 %")
        #expect(NumberFormat.gigaflops(9.876) == "9.88")
        #expect(NumberFormat.gigaflops(56.78) == "56.8")
        #expect(NumberFormat.gigaflops(220.4) == "220")
        #expect(NumberFormat.samplesPerSecond(748_000) == "748 k")
    }
}
