internal import Operations

/// Maps values to a share of an axis, and finds round values to label it with.
package struct PlotScale {
    package let low: Double
    package let high: Double

    /// An axis over the values; `fromZero` starts it at zero. Non-finite values are left out, and an axis without
    /// values goes from 0 to 1.
    package init(_ values: some Sequence<Double>, fromZero: Bool) {
        let finite = values.filter { $0.isFinite && $0.magnitude < 1e18 }
        let least = fromZero ? 0 : finite.min() ?? 0
        let most = max(finite.max() ?? 1, least)
        // An axis needs a length, also if all values are equal.
        let span = most - least
        low = least
        high = span > most.magnitude * 1e-9 && span > 0 ? most : least + max(least.magnitude * 0.1, 1e-6)
    }

    private init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// The same axis extended to the next round step, so that its last label is at its end.
    package var roundedUp: PlotScale {
        let step = step(wanted: 4)
        let top = ((high / step) - 1e-9).rounded(.up) * step
        return PlotScale(low: low, high: top > low && top.isFinite ? top : high)
    }

    /// 0 at the low end, 1 at the high one; always finite and in between.
    package func share(_ value: Double) -> Double {
        let share = (value - low) / (high - low)
        return share.isFinite ? min(max(share, 0), 1) : 0
    }

    /// Round values within the axis, at most twice as many as wanted.
    package func ticks(wanted: Int) -> [Double] {
        let step = step(wanted: wanted)
        let first = (low / step - 1e-9).rounded(.up)
        let last = (high / step + 1e-9).rounded(.down)
        guard first.isFinite, last >= first, last - first <= Double(wanted * 2) else { return [low, high] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    private func step(wanted: Int) -> Double {
        let raw = (high - low) / Double(max(wanted, 1))
        var power = 1.0
        while power > raw, power > 1e-12 { power /= 10 }
        while power * 10 <= raw, power < 1e18 { power *= 10 }
        for factor in [1.0, 2, 5] where power * factor >= raw * 0.999 { return power * factor }
        return power * 10
    }
}

extension PlotScale {
    /// A coordinate for SVG: finite, at most two decimals, no exponent.
    package static func coordinate(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e6 else { return "0" }
        var text = Quantity.fixed(value, decimals: 2)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    /// A share of the width in percent.
    static func percent(_ share: Double) -> String {
        "\(coordinate(share * 100))%"
    }
}
