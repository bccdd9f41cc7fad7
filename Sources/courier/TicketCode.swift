internal import CommandLineTool
internal import FoundationEssentials
internal import Operations

/// A ticket as a QR code on standard error.
enum TicketCode {
    static func show(_ ticket: String) {
        // A ticket reads the same in capitals, which take less room. The longest one has some 600 characters.
        guard let code = QRCode(ticket.uppercased()) else { return }
        let terminal = Terminal.of(2, environment: ProcessInfo.processInfo.environment)
        let lines = code.lines(usesColor: terminal.usesColor)
        if terminal.isTerminal, code.width > terminal.columns {
            return CourierCommand.say(
                "the QR code needs a terminal of \(code.width) columns; this one has \(terminal.columns)"
            )
        }
        StandardErrorLog.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: 2)
    }
}
