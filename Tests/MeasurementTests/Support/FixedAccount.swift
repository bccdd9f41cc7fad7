internal import PacketIO
internal import Synchronization

/// Gives what it holds, then nothing.
final class FixedAccount: ByteAccount {
    private struct State {
        var left: Int
        var isSpent = false
    }

    private let state: Mutex<State>

    init(bytes: Int) { state = Mutex(State(left: bytes)) }

    /// A caller learned that nothing is left.
    var isSpent: Bool { state.withLock { $0.isSpent } }

    func add(_ bytes: Int) { state.withLock { $0.left += bytes } }

    func take(_ wished: Int, moved: Int) -> Int? {
        state.withLock { state in
            let bytes = min(wished, state.left)
            state.left -= bytes
            if bytes == 0 { state.isSpent = true }
            return bytes
        }
    }

    func giveBack(_ unused: Int, moved: Int) { state.withLock { $0.left += unused } }
}
