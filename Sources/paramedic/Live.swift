internal import Foundation
internal import Operations
internal import Reflector
internal import Synchronization

/// The line on standard error that tells what goes on. Silent when standard error is no terminal, but for notices.
enum Live {
    private static let terminal = Terminal.of(2, environment: ProcessInfo.processInfo.environment)
    private static let line = Mutex(ProgressLine(on: terminal))

    static func show(_ text: String) {
        line.withLock { $0.show(text) }
    }

    static func clear() {
        line.withLock { $0.clear() }
    }

    /// Something worth knowing also in a log: a wait, a fallback.
    static func notice(_ text: String) {
        clear()
        FileHandle.standardError.write(Data("paramedic: \(text)\n".utf8))
    }

    static func show(_ progress: ThroughputProgress) {
        var parts: [String] = []
        if progress.downBitsPerSecond > 0 { parts.append("down \(Quantity.rate(progress.downBitsPerSecond))") }
        if progress.upBitsPerSecond > 0 { parts.append("up \(Quantity.rate(progress.upBitsPerSecond))") }
        show("\(progress.second) s  \(parts.isEmpty ? "starting" : parts.joined(separator: ", "))")
    }
}

/// How results are printed: for people, coloured only on a terminal that wants it.
enum Page {
    static var text: TextReport {
        let terminal = Terminal.of(1, environment: ProcessInfo.processInfo.environment)
        return TextReport(style: TextStyle(colour: terminal.usesColour))
    }
}
