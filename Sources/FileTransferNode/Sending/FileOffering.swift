package import FileTransfer
package import Identity
package import PacketIO

/// Sends files to the host that opens a session with a ticket, on the calling thread.
package final class FileOffering: Sendable {
    private let socket: ListeningSocket
    private let paths: [String]
    private let options: SendOptions

    /// - Parameter paths: files and folders. Those that cannot be read throw now, not when a receiver comes.
    package init(
        _ paths: [String],
        at address: InternetAddress,
        options: SendOptions,
        identity: IdentityKey
    ) throws {
        _ = try OutgoingFiles(paths, options)
        self.paths = paths
        self.options = options
        socket = try ListeningSocket(address, admitting: .ticket, identity: identity)
    }

    /// The ticket with which a receiver finds this socket.
    ///
    /// - Parameter hosts: the addresses of this machine, if the socket is bound to all of them.
    package func ticket(hosts: [InternetHost]) -> Ticket { socket.ticket(hosts: hosts) }

    /// Waits for a receiver, and returns when it has verified all files, or said why not. Call it again after a
    /// failure: the ticket stays the same.
    ///
    /// - Parameter wakeUp: a signal from another thread cancels.
    package func send(wakeUp: WakeUp, progress: (TransferProgress) -> Void) throws -> TransferOutcome {
        var opened = try socket.accept(wakeUp: wakeUp)
        while true {
            let peer = opened.handshake.peer
            // As they are now.
            let files = try OutgoingFiles(paths, options)
            var driver = opened.session(
                carrying: files.content(.responder, socket.identity, to: peer),
                congestion: options.congestion,
                wakeUp: wakeUp
            )
            driver.rateLimit = options.limit
            let end = Result { try files.send(&driver, TransferControl(), progress) }
            if let next = driver.successor {
                // Its receiver was ended and has begun again.
                opened = try driver.proceed(with: next)
                continue
            }
            if driver.session.content.state == .offered, driver.session.wasLeft {
                // It only looked whether this machine answers.
                socket.put(driver.finish())
                opened = try socket.accept(wakeUp: wakeUp)
                continue
            }
            let result = files.outcome(driver.session.content, to: peer)
            socket.put(driver.finish())
            try end.get()
            return result
        }
    }
}
