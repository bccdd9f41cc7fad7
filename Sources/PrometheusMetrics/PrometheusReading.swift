/// A number that is read during a scrape, because its owner keeps it anyway.
package struct PrometheusReading: Sendable {
    let name: String
    let help: String
    let kind: PrometheusText.Kind
    let value: Double

    package static func gauge(_ name: String, _ help: String, _ value: Double) -> PrometheusReading {
        PrometheusReading(name: name, help: help, kind: .gauge, value: value)
    }

    package static func counter(_ name: String, _ help: String, _ value: Double) -> PrometheusReading {
        PrometheusReading(name: name, help: help, kind: .counter, value: value)
    }

    func write(to text: inout PrometheusText) {
        text.family(name, kind, help: help)
        text.sample(name, value)
    }
}
