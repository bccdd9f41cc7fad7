internal import FoundationEssentials
internal import Operations
internal import Paramedic
internal import Synchronization

/// Progress on standard error while a command works: one line that is redrawn on a terminal, and messages that stay.
enum LiveOutput {
    private struct State {
        var line: ProgressLine
        /// The current step, shown before the figures.
        var step = ""
    }

    private static let terminal = Terminal.of(2, environment: ProcessInfo.processInfo.environment)
    private static let state = Mutex(State(line: ProgressLine(on: terminal)))
    private static let style = TextStyle(columns: terminal.columns)

    /// A part starts: its name precedes the figures that follow.
    static func begin(_ step: String) {
        state.withLock { state in
            state.step = step
            state.line.clear()
            state.line.show(step)
        }
    }

    static func show(_ figures: String) {
        state.withLock { $0.line.show($0.step.isEmpty ? figures : "\($0.step): \(figures)") }
    }

    static func clear() {
        state.withLock { $0.line.clear() }
    }

    /// A message that stays: a remark, an error. Wrapped at spaces on a terminal; one line elsewhere, for logs.
    static func say(_ text: String) {
        clear()
        let text = "paramedic: \(text)"
        StandardErrorLog.write(Array("\(terminal.isTerminal ? style.message(text) : text)\n".utf8), to: 2)
    }

    /// A wait is shown in the live line on a terminal; elsewhere it is a message.
    static func tell(_ notice: ExaminerNotice) {
        guard case .waiting = notice, terminal.redrawsLines else { return say("\(notice)") }
        state.withLock { state in
            state.line.clear()
            state.line.show(state.step.isEmpty ? "\(notice)" : "\(state.step): \(notice)")
        }
    }

    static func show(_ progress: ThroughputProgress) {
        var parts: [String] = []
        if progress.downBitsPerSecond > 0 { parts.append("down \(Quantity.rate(progress.downBitsPerSecond))") }
        if progress.upBitsPerSecond > 0 { parts.append("up \(Quantity.rate(progress.upBitsPerSecond))") }
        show("\(progress.second) s  \(parts.isEmpty ? "starting" : parts.joined(separator: ", "))")
    }
}

/// Prints results for people: as wide as their terminal, and colored only if it allows that.
enum Page {
    static var text: TextReport {
        let terminal = Terminal.of(1, environment: ProcessInfo.processInfo.environment)
        return TextReport(
            style: TextStyle(
                color: terminal.usesColor,
                columns: terminal.isTerminal ? terminal.columns : TextStyle.widest
            )
        )
    }
}
