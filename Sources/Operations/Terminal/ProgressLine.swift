/// One live line on standard error, redrawn in place. Silent without a terminal.
package struct ProgressLine {
    /// Shortest time between two redraws.
    package static let interval: Duration = .milliseconds(100)

    private let terminal: Terminal
    private let write: ([UInt8]) -> Void
    private var drawn: ContinuousClock.Instant?

    package init(
        on terminal: Terminal,
        write: @escaping ([UInt8]) -> Void = { StandardErrorLog.write($0, to: 2) }
    ) {
        self.terminal = terminal
        self.write = write
    }

    /// Shows `text`, cut to the terminal's width, unless the last redraw was just now. Makes it only to be shown.
    package mutating func show(_ text: @autoclosure () -> String, now: ContinuousClock.Instant = .now) {
        guard terminal.redrawsLines else { return }
        if let drawn, drawn.duration(to: now) < ProgressLine.interval { return }
        drawn = now
        let plain = LogText.plain(text())
        // The last column stays empty: some terminals wrap when it is filled.
        let room = max(1, terminal.columns - 1)
        let line = plain.count > room ? plain.prefix(room - 1) + "…" : plain[...]
        write(Array("\r\u{1b}[K\(line)".utf8))
    }

    /// Removes the line, before something else is printed.
    package mutating func clear() {
        guard drawn != nil else { return }
        drawn = nil
        write(Array("\r\u{1b}[K".utf8))
    }
}
