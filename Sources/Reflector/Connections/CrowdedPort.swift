internal import NIOCore
internal import Synchronization

/// A fixed number of places on a port that anybody may connect to: who comes when all are taken gets that of the oldest
/// connection, so those that hold on to theirs shut nobody out.
final class CrowdedPort: Sendable {
    private let places: Int
    /// Oldest first.
    private let channels = Mutex<[any Channel]>([])

    init(places: Int) { self.places = places }

    func enter(_ channel: any Channel) {
        let evicted: (any Channel)? = channels.withLock { channels in
            channels.append(channel)
            return channels.count > places ? channels.removeFirst() : nil
        }
        evicted?.close(mode: .all, promise: nil)
        channel.closeFuture.whenComplete { _ in
            self.channels.withLock { channels in channels.removeAll { $0 === channel } }
        }
    }
}
