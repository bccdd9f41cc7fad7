/// The labels of one series, in a form that Prometheus accepts.
///
/// Names that differ only in characters that Prometheus does not allow, and different orders, are the same labels.
struct PrometheusLabels: Hashable, Sendable {
    /// Longest value in bytes of UTF-8; the rest is cut and marked with `…`. Values may come from outside.
    static let valueLength = 256

    /// `NAME="VALUE",…`, sorted by name.
    let text: String

    /// - Parameter reserved: a name that the series itself needs, such as `le` in histograms.
    init(_ dimensions: [(String, String)], reserved: String? = nil) {
        var values: [String: String] = [:]
        for (label, value) in dimensions where !value.isEmpty {
            // Prometheus treats an empty value as no label.
            var name = PrometheusName.sanitized(label)
            // Names with two leading underscores are reserved for Prometheus.
            if name == reserved || name.hasPrefix("__") { name = "exported_" + name }
            while values[name] != nil { name += "_" }
            values[name] = value
        }
        text = values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(PrometheusLabels.escaped($0.value))\"" }
            .joined(separator: ",")
    }

    private static func escaped(_ value: String) -> String {
        var text = String.UnicodeScalarView()
        var length = 0
        for scalar in value.unicodeScalars {
            length += UTF8.width(scalar)
            if length > valueLength {
                text.append("…")
                break
            }
            switch scalar {
            case "\\": text.append(contentsOf: #"\\"#.unicodeScalars)
            case "\"": text.append(contentsOf: #"\""#.unicodeScalars)
            case "\n": text.append(contentsOf: #"\n"#.unicodeScalars)
            default: text.append(scalar)
            }
        }
        return String(text)
    }
}

/// Names of metrics and labels.
enum PrometheusName {
    /// ASCII letters, digits and underscores, not starting with a digit; anything else becomes an underscore.
    static func sanitized(_ label: String) -> String {
        var bytes = label.unicodeScalars.map { scalar -> UInt8 in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": UInt8(scalar.value)
            default: UInt8(ascii: "_")
            }
        }
        if bytes.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) ?? true {
            bytes.insert(UInt8(ascii: "_"), at: 0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
