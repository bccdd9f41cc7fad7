internal import NIOCore
internal import Synchronization

/// A fixed number of slots on a port that anyone may connect to: if all are taken, a new connection gets that of the
/// oldest, so connections that stay block no one.
final class EvictingPort: Sendable {
    private let capacity: Int
    /// Oldest first.
    private let channels = Mutex<[any Channel]>([])

    init(capacity: Int) { self.capacity = capacity }

    func enter(_ channel: any Channel) {
        let evicted: (any Channel)? = channels.withLock { channels in
            channels.append(channel)
            return channels.count > capacity ? channels.removeFirst() : nil
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
