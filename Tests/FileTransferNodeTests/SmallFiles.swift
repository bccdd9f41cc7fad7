internal import PacketIO

@testable import FileTransfer
@testable import FileTransferNode

extension DiskSink {
    /// Makes a small file, and waits until it is there.
    func make(_ bytes: [UInt8], as entry: TransferEntry) throws {
        store(bytes.span.bytes, as: entry)
        while true {
            for made in takeStored() where made.entry == entry.number {
                if let fault = made.fault { throw fault }
                return
            }
            KernelClock.sleep(100_000)
        }
    }
}
