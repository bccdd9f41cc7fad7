internal import CommandLineTool
internal import FileTransferNode
internal import Operations
internal import Synchronization

/// The result of a transfer on standard output.
enum TransferReport {
    private struct Result: Encodable {
        struct File: Encodable {
            let path: String
            let bytes: UInt64
            let blake3: String?
            let error: String?
        }

        let files: [File]
        let bytes: UInt64
        let seconds: Double
    }

    /// Prints a line a file, and throws if one failed.
    static func put(_ files: [TransferredFile], seconds: Double, json: Bool) throws {
        let bytes = files.reduce(0) { $0 + $1.bytes }
        if json {
            let list = files.map {
                Result.File(path: $0.path, bytes: $0.bytes, blake3: $0.digest.map(hexadecimal), error: $0.fault)
            }
            try CommandOutput.put(json: Result(files: list, bytes: bytes, seconds: seconds))
        } else {
            for file in files where file.fault == nil {
                CommandOutput.line("\(file.digest.map(hexadecimal) ?? "")  \(LogText.plain(file.path))")
            }
        }
        if seconds > 0 {
            let rate = Quantity.rate(Double(bytes) * 8 / seconds)
            CourierCommand.say(
                "\(Quantity.bytes(Double(bytes))) in \(Quantity.seconds(seconds)), \(rate), verified"
            )
        }
        let failed = files.filter { $0.fault != nil }
        guard let first = failed.first, let fault = first.fault else { return }
        let others = failed.count == 1 ? "" : " (and \(failed.count - 1) more)"
        throw TransferError(.local, "\(first.path): \(fault)\(others)")
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The progress of a transfer on standard error, and the time that it took. For one thread at a time.
final class TransferMeter: Sendable {
    private struct State {
        var line = ProgressLine(on: .of(2, environment: [:]))
        var start: ContinuousClock.Instant?
        var last = ContinuousClock.Instant.now
    }

    private let state = Mutex(State())

    func show(_ progress: TransferProgress) {
        state.withLock { state in
            guard progress.bytes > 0 || progress.total > 0 else { return }
            let now = ContinuousClock.now
            if state.start == nil { state.start = now }
            state.last = now
            let seconds = state.start.map { $0.duration(to: now) / .seconds(1) } ?? 0
            let rate = seconds > 0 ? Double(progress.bytes) * 8 / seconds : 0
            let percent = progress.total > 0 ? Double(progress.bytes) * 100 / Double(progress.total) : 100
            state.line.show(
                "\(Quantity.whole(percent)) %  \(Quantity.bytes(Double(progress.bytes))) of "
                    + "\(Quantity.bytes(Double(progress.total)))  \(Quantity.rate(rate))"
            )
        }
    }

    func clear() { state.withLock { $0.line.clear() } }

    /// From the first progress to the last.
    var seconds: Double {
        state.withLock { state in state.start.map { $0.duration(to: state.last) / .seconds(1) } ?? 0 }
    }
}
