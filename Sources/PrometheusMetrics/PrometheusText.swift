/// Metrics in Prometheus text format, version 0.0.4.
///
///     # HELP NAME TEXT
///     # TYPE NAME counter|gauge|histogram
///     NAME{LABEL="VALUE",…} NUMBER
package struct PrometheusText: CustomStringConvertible {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// The content type of an HTTP reply with this text.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var description = ""

    package init() {}

    /// Starts the samples of one name, which must follow immediately and be nowhere else.
    mutating func family(_ name: String, _ kind: Kind, help: String? = nil) {
        if let help {
            description += "# HELP \(name) "
            for scalar in help.unicodeScalars {
                switch scalar {
                case "\\": description += #"\\"#
                case "\n": description += #"\n"#
                default: description.unicodeScalars.append(scalar)
                }
            }
            description += "\n"
        }
        description += "# TYPE \(name) \(kind.rawValue)\n"
    }

    /// `labels` are ``PrometheusLabels/text``.
    mutating func sample(_ name: String, labels: String = "", _ value: Double) {
        append(name, labels, PrometheusText.number(value))
    }

    /// `labels` are ``PrometheusLabels/text``.
    mutating func sample(_ name: String, labels: String = "", _ value: UInt64) { append(name, labels, "\(value)") }

    private mutating func append(_ name: String, _ labels: String, _ number: String) {
        description += labels.isEmpty ? "\(name) \(number)\n" : "\(name){\(labels)} \(number)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}
