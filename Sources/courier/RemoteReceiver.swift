internal import FileTransfer
internal import FileTransferNode
internal import Operations

/// A receiver on a host that is reached by ssh: `user@host:path`.
///
/// ssh starts `courier receive` there, whose first line is its ticket. The files then go over UDP. The receiver ends
/// with its standard input, so none stays behind when this side ends.
struct RemoteReceiver {
    let host: String
    let path: String

    /// Nil unless the text has the form of scp's target: a colon that comes before any slash, after a host. An IPv6
    /// address stands in brackets.
    init?(parsing text: String) {
        let bracket = text.firstIndex(of: "[").flatMap { text[$0...].firstIndex(of: "]") }
        guard let colon = text[(bracket ?? text.startIndex)...].firstIndex(of: ":") else { return nil }
        let host = text[..<colon]
        guard !host.isEmpty, !host.contains("/"), host.first != "-", host.lowercased() != "courier" else { return nil }
        self.host = String(host.filter { $0 != "[" && $0 != "]" })
        let path = text[text.index(after: colon)...]
        self.path = path.isEmpty ? "." : String(path)
    }

    /// Starts it. Blocks until it has printed its ticket; ssh may ask for a password meanwhile.
    ///
    /// - Parameters:
    ///   - ssh: the command and its options, in words.
    ///   - courier: the program there.
    func start(ssh: [String], courier: String, onConflict: String) throws -> (TerminalChild, Ticket) {
        // ssh joins its words, and a shell there parses them.
        let folder = path.hasPrefix("~/") ? "~/" + Self.quote(String(path.dropFirst(2))) : Self.quote(path)
        let command =
            "\(Self.quote(courier)) receive --once --yes --until-input-ends --on-conflict \(onConflict) --to \(folder)"
        guard let program = ssh.first else {
            throw TransferError(.local, "--ssh is empty; give a command, such as ssh")
        }
        let child = try TerminalChild(program, ssh.dropFirst() + [host, command])
        guard let line = child.firstLine() else { throw failure(child.exitCode(), courier) }
        do throws(TicketError) { return (child, try Ticket(parsing: line)) } catch {
            throw TransferError(
                .peer,
                "\(host): \(courier) receive printed no ticket but \"\(line.prefix(60))\"; its shell must print nothing "
                    + "when ssh runs a command"
            )
        }
    }

    private func failure(_ code: Int32, _ courier: String) -> TransferError {
        switch code {
        case 126, 127:
            TransferError(
                .network,
                "\(host) has no program \"\(courier)\" in the PATH of its ssh commands: install courier there, or give its path "
                    + "with --remote-courier"
            )
        case 255: TransferError(.network, "ssh cannot reach \(host); its reason is above")
        default: TransferError(.peer, "\(host): courier receive ended with code \(code); its reason is above")
        }
    }

    /// One word for a POSIX shell.
    private static func quote(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
