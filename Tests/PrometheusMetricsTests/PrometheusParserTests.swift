internal import CoreMetrics
internal import Foundation
internal import Operations
internal import PrometheusMetrics
internal import Testing

/// Prometheus' own reader for Python (Debian: python3-prometheus-client) on the other side.
@Suite("Prometheus text beside Prometheus' parser")
struct PrometheusParserTests {
    private struct Sample: Codable, Hashable {
        var family, type, name: String
        var labels: [String: String]
        var value: String
    }

    private static let script = """
        import json, sys
        from prometheus_client.parser import text_string_to_metric_families
        text = open(sys.argv[1], encoding="utf-8", newline="").read()
        print(json.dumps([
            {"family": family.name, "type": family.type, "name": s.name, "labels": s.labels, "value": repr(s.value)}
            for family in text_string_to_metric_families(text) for s in family.samples
        ]))
        """

    private static func parse(_ text: String) async throws -> [Sample] {
        let file = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        // Debian's own, which sees Debian's packages whatever else is in PATH.
        let exit = try await ChildProcess.start("/usr/bin/python3", ["-c", script, file.path]).exit()
        try #require(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
        return try JSONDecoder().decode([Sample].self, from: Data(exit.output))
    }

    @Test func `every kind is read with its type and value, and a histogram's buckets add up`() async throws {
        let registry = PrometheusRegistry()
        Counter(label: "np.messages", dimensions: [("way", "in")], factory: registry).increment(by: 12_345_678_901)
        Gauge(label: "np.ratio", factory: registry).record(0.1)
        Gauge(label: "np.none", factory: registry).record(Double.nan)
        Gauge(label: "np.much", factory: registry).record(-Double.infinity)
        Gauge(label: "np.tiny", factory: registry).record(1e-300)
        let timer = Timer(label: "np.handshake", factory: registry)
        for milliseconds in [1, 5, 20_000] as [Int64] { timer.recordNanoseconds(milliseconds * 1_000_000) }
        let samples = try await Self.parse(registry.text())
        func value(_ name: String, _ labels: [String: String] = [:]) -> String? {
            samples.first { $0.name == name && $0.labels == labels }?.value
        }
        // The parser ends the names of all counters like this.
        #expect(value("np_messages_total", ["way": "in"]) == "12345678901.0")
        #expect(value("np_ratio") == "0.1" && value("np_none") == "nan" && value("np_much") == "-inf")
        #expect(value("np_tiny") == "1e-300")
        #expect(value("np_handshake_sum") == "20.006" && value("np_handshake_count") == "3.0")
        #expect(value("np_handshake_bucket", ["le": "0.001"]) == "1.0")
        #expect(value("np_handshake_bucket", ["le": "+Inf"]) == "3.0")
        let types = Dictionary(samples.map { ($0.family, $0.type) }) { first, _ in first }
        #expect(types["np_messages"] == "counter" && types["np_ratio"] == "gauge")
        #expect(types["np_handshake"] == "histogram" && samples.filter { $0.family == "np_handshake" }.count == 19)
    }

    @Test func `hostile label values are read as they were, or cut, and end no line and begin no sample`() async throws
    {
        let values = [
            "plain", #"back\slash"#, #"quo"te"#, "two\nlines", #"\n"#, #"\"#, #"""#, "}{,= 1",
            "a\n# TYPE evil counter\nevil 1\nb",
            "\r\t\u{0}\u{1b}[2J", "\u{2028}\u{85}", "日本語 🛰", "\u{202e}abc", "  spaces  ", #"\\""\n"#,
        ]
        let registry = PrometheusRegistry()
        for (number, value) in values.enumerated() {
            let dimensions = [("value", value), ("number", "\(number)")]
            Counter(label: "hostile", dimensions: dimensions, factory: registry).increment(by: number + 1)
        }
        let long = String(repeating: "ä\"", count: 200)
        Counter(label: "hostile", dimensions: [("value", long), ("number", "long")], factory: registry).increment()
        let samples = try await Self.parse(registry.text())
        #expect(Set(samples.map(\.family)) == ["hostile", "metrics_series_refused"])
        let hostile = samples.filter { $0.name == "hostile_total" }
        #expect(hostile.count == values.count + 1)
        for (number, value) in values.enumerated() {
            let sample = hostile.first { $0.labels["number"] == "\(number)" }
            #expect(sample?.labels["value"] == value && sample?.value == "\(number + 1).0")
        }
        let cut = hostile.first { $0.labels["number"] == "long" }?.labels["value"]
        #expect(cut == String(repeating: "ä\"", count: 85) + "…")
    }

    @Test func `help is escaped, too`() async throws {
        let text = PrometheusRegistry().text([.gauge("a", "two\nlines and a back\\slash", 1)])
        #expect(text == "# HELP a two\\nlines and a back\\\\slash\n# TYPE a gauge\na 1\n")
        let samples = try await Self.parse(text)
        #expect(samples.map(\.name) == ["a"])
    }
}
