internal import NIOCore
internal import Synchronization

/// A fixed number of places on a port that anybody may connect to. A connection that comes when all are taken gets the place of the
/// oldest, so connections that stay keep nobody out.
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

    /// Closes the oldest, for its descriptor.
    func evictOldest() {
        channels.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.close(mode: .all, promise: nil)
    }

    func evictAll() {
        let all = channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
        for channel in all { channel.close(mode: .all, promise: nil) }
    }
}
