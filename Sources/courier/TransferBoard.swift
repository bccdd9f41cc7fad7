internal import FileTransferNode
internal import Operations

/// The transfers that run at the same time, in one line on standard error. For one thread.
struct TransferBoard {
    private var line = ProgressLine(on: .of(2, environment: [:]))
    private var running: [UInt64: (meter: TransferMeter, progress: TransferProgress)] = [:]

    /// Notes how far a transfer is, and shows it.
    private mutating func note(_ number: UInt64, _ progress: TransferProgress) {
        let meter = running[number]?.meter ?? TransferMeter()
        meter.note(progress)
        running[number] = (meter, progress)
        let running = running
        line.show(Self.text(running.values.map { $0 }))
    }

    private static func text(_ running: [(meter: TransferMeter, progress: TransferProgress)]) -> String {
        if running.count == 1 { return running[0].meter.text(running[0].progress) }
        let bytes = running.reduce(0) { $0 + Double($1.progress.bytes) }
        let total = running.reduce(0) { $0 + Double($1.progress.total) }
        let rate = running.reduce(0) { $0 + $1.meter.rate($1.progress) }
        return
            "\(running.count) transfers  \(Quantity.bytes(bytes)) of \(Quantity.bytes(total))  \(Quantity.rate(rate * 8))"
    }

    /// Shows what becomes of a transfer, and prints its result.
    mutating func take(_ number: UInt64, _ event: FileReceiving.Event, form: TransferReport.Form) {
        switch event {
        case .progress(let progress): note(number, progress)
        case .superseded: _ = end(number)
        case .ended(let result): TransferReport.say(result, isSent: false, seconds: end(number), form: form)
        }
    }

    /// A transfer is over. Returns the seconds that it took.
    private mutating func end(_ number: UInt64) -> Double {
        line.clear()
        return running.removeValue(forKey: number)?.meter.seconds ?? 0
    }

    mutating func clear() { line.clear() }
}
