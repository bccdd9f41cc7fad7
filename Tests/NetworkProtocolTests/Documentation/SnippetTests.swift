internal import Foundation
internal import Testing

@Suite("Articles")
struct SnippetTests {
    /// Without indentation and empty lines.
    private func lines(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    @Test func `each line of code in an article is compiled, in the same order`() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let compiled = try [
            here.appendingPathComponent("Snippets.swift"), root.appendingPathComponent("Examples/greeter/main.swift"),
        ].flatMap { lines(try String(contentsOf: $0, encoding: .utf8)) }
        let catalog = root.appendingPathComponent("Sources/NetworkProtocol/Documentation.docc")
        let articles = try FileManager.default.contentsOfDirectory(atPath: catalog.path).filter { $0.hasSuffix(".md") }
        var blocks = 0
        for article in articles {
            let text = try String(contentsOf: catalog.appendingPathComponent(article), encoding: .utf8)
            for part in text.components(separatedBy: "```swift\n").dropFirst() {
                let block = lines(part.components(separatedBy: "\n```")[0])
                blocks += 1
                let isFound = compiled.indices.contains { compiled[$0...].starts(with: block) }
                #expect(isFound, "\(article): \(block.joined(separator: "\n"))")
            }
        }
        #expect(blocks > 12)
    }
}
