internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

struct PlotScaleTests {
    @Test func `a value outside of the axis is drawn at its end and one that is no number at its start`() {
        let scale = PlotScale([10, 20], fromZero: false)
        #expect(scale.share(15) == 0.5)
        #expect(scale.share(5) == 0)
        #expect(scale.share(1e300) == 1)
        #expect(scale.share(.nan) == 0)
        #expect(scale.share(.infinity) == 0)
    }

    @Test func `an axis from zero ends at a round step`() {
        let scale = PlotScale([3, 94.1], fromZero: true).roundedUp
        #expect(scale.low == 0)
        #expect(scale.high == 100)
        #expect(scale.ticks(wanted: 4) == [0, 50, 100])
        #expect(PlotScale([0, 8], fromZero: true).ticks(wanted: 4) == [0, 2, 4, 6, 8])
    }

    @Test(arguments: [[], [0], [5, 5], [.nan, .infinity], [-3, -3], [1e17, 1e17 + 1], [1e-15]] as [[Double]])
    func `an axis over odd values has a length and few labels`(values: [Double]) {
        for fromZero in [true, false] {
            let scale = PlotScale(values, fromZero: fromZero)
            for axis in [scale, scale.roundedUp] {
                #expect(axis.high > axis.low)
                let ticks = axis.ticks(wanted: 4)
                #expect((1...9).contains(ticks.count))
                #expect(ticks.allSatisfy { $0.isFinite })
            }
        }
    }

    @Test(arguments: [(1.5, "1.5"), (0, "0"), (-0.001, "0"), (100, "100"), (.nan, "0"), (1e9, "0"), (12.345, "12.35")])
    func `a coordinate is short, finite and has no exponent`(value: Double, text: String) {
        #expect(PlotScale.coordinate(value) == text)
    }
}
