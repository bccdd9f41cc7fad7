internal import Foundation
internal import PrometheusMetrics
internal import Testing

@testable import NetworkProtocol

/// Compares the table of metrics in Docs/NETWORK-PROTOCOL.md with what a scraper reads.
@Suite("The table of metrics")
struct MetricsTableTests {
    private struct Row {
        let kind: String
        /// Labels and their values: the words in backticks in the columns after the kind.
        var words: Set<String>
    }

    /// By name. A row without a name continues the one above it.
    private func rows() throws -> [String: Row] {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = here.appendingPathComponent("../../../Docs/NETWORK-PROTOCOL.md")
        let section =
            try String(contentsOf: file, encoding: .utf8)
            .components(separatedBy: "\n## Metrics\n").last?.components(separatedBy: "\n## ").first ?? ""
        var rows: [String: Row] = [:]
        var last = ""
        for line in section.split(separator: "\n") where line.hasPrefix("| ") {
            let columns = line.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(columns.count == 6, "\(line)")
            let words = Set(
                columns[3...4].joined(separator: " ").matches(of: /`([a-z_]+)`/).map { String($0.output.1) }
            )
            if !columns[1].isEmpty {
                last = columns[1].replacing("`", with: "")
                rows[last] = Row(kind: columns[2], words: [])
            }
            rows[last]?.words.formUnion(words)
        }
        rows["name"] = nil
        rows["---"] = nil
        return rows
    }

    @Test func `each metric is in the table with its kind, labels and their values, and the table has no other`() throws
    {
        let registry = PrometheusRegistry()
        let connections = ConnectionMetrics(role: "daemon", factory: registry)
        connections.handshakeFailed("malformed")
        let cluster = ClusterMetrics(cluster: "test", factory: registry)
        let changes: [MembershipEvent.Change] = [.joined, .suspected, .recovered, .failed, .left, .updated]
        for change in changes { cluster.changed(change, members: 1) }

        let lines = registry.text().split(separator: "\n").filter { $0.contains("network_protocol_") }
        let rows = try rows()
        let families = lines.compactMap { $0.wholeMatch(of: /# TYPE (\S+) (\S+)/)?.output }
        #expect(Set(families.map { String($0.1) }) == Set(rows.keys))
        for (_, name, kind) in families {
            let row = try #require(rows[String(name)])
            // A scraper sees a timer as a histogram of seconds.
            #expect((row.kind == "timer" ? "histogram" : row.kind) == kind, "\(name)")
            var words: Set<String> = []
            for line in lines where line.hasPrefix("\(name){") || line.hasPrefix("\(name)_") {
                for (_, label, value) in line.matches(of: /([a-z_]+)="([^"]*)"/).map(\.output) {
                    let isCommon = label == (name.contains("_cluster_") ? "cluster" : "role") || label == "le"
                    if !isCommon { words.formUnion([String(label), String(value)]) }
                }
            }
            #expect(words.isSubset(of: row.words.union(["sent", "received"])), "\(name): \(words)")
            // Only one of the reasons why a handshake fails is tried here.
            let isWhole = name.contains("_cluster_")
            if isWhole { #expect(row.words.isSubset(of: words), "\(name): \(row.words)") }
        }
    }
}
