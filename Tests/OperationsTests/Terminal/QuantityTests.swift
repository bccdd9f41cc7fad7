internal import Operations
internal import Testing

struct QuantityTests {
    @Test(
        arguments: [
            (0, "0 bit/s"), (999, "999 bit/s"), (999.6, "1.00 kbit/s"), (9.41e9, "9.41 Gbit/s"),
            (94.06e6, "94.1 Mbit/s"),
            (9.996e6, "10.0 Mbit/s"), (99.96e6, "100 Mbit/s"), (999.6e6, "1.00 Gbit/s"), (1e20, "> 999 Pbit/s"),
            (-1, "–"), (.nan, "–"), (.infinity, "–"), (nil, "–"),
        ] as [(Double?, String)]
    )
    func `a rate has three digits and its unit`(value: Double?, text: String) {
        #expect(Quantity.rate(value) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (1_200_000_000, "1.2 GB"), (9_960_000, "10 MB"), (123_456, "123 kB"), (Int.max, "9.2 EB"),
        (-5, "–"),
    ])
    func `bytes are short`(value: Int, text: String) {
        #expect(Quantity.bytes(value) == text)
    }

    @Test(arguments: [
        (0, "0 ms"), (0.0341, "0.034 ms"), (0.84, "0.84 ms"), (9.996, "10.0 ms"), (12.34, "12.3 ms"), (182.4, "182 ms"),
        (9_999.4, "9999 ms"), (12_345, "12.3 s"), (1e300, "> 1e6 s"), (-2.5, "-2.50 ms"), (.nan, "–"),
    ])
    func `milliseconds get fewer decimals as they grow`(value: Double, text: String) {
        #expect(Quantity.milliseconds(value) == text)
    }

    @Test func `a change shows its sign`() {
        #expect(Quantity.change(milliseconds: 182) == "+182 ms")
        #expect(Quantity.change(milliseconds: -3) == "-3.00 ms")
        #expect(Quantity.change(milliseconds: 0) == "0 ms")
    }

    @Test(arguments: [(0, "0 %"), (0.042, "0.04 %"), (1, "1.0 %"), (99.97, "100 %"), (1e9, "> 1e6 %")])
    func `shares are percentages`(value: Double, text: String) {
        #expect(Quantity.percent(value) == text)
    }

    @Test(arguments: [(0, "0"), (-1234, "-1 234"), (1_234_567, "1 234 567"), (Int.max, "> 1e15"), (Int.min, "< -1e15")])
    func `counts are grouped`(value: Int, text: String) {
        #expect(Quantity.count(value) == text)
    }

    @Test func `no value, however odd, traps or grows long`() {
        let odd: [Double] = [
            .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
            9.5e18,
            -0.0, 9_999.5, 999.5, 0.0995, 0.09949999,
        ]
        for value in odd {
            let texts = [
                Quantity.rate(value), Quantity.bytes(value), Quantity.milliseconds(value), Quantity.percent(value),
                Quantity.whole(value), Quantity.seconds(value), Quantity.fixed(value, decimals: 99),
            ]
            for text in texts {
                #expect(text.count <= 20)
                #expect(!text.lowercased().contains("nan") && !text.contains("inf"))
            }
        }
    }
}
