/// Metrics in Prometheus' text exposition format, version 0.0.4.
package struct PrometheusText: CustomStringConvertible {
    package private(set) var description = ""

    package init() {}

    package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        add(name, help, "gauge", value)
    }

    package mutating func counter(_ name: String, _ help: String, _ value: Double) {
        add(name, help, "counter", value)
    }

    private mutating func add(_ name: String, _ help: String, _ type: String, _ value: Double) {
        let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        description += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(number)\n"
    }
}
