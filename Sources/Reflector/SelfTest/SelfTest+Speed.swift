internal import Files
internal import Glibc
internal import LinkMeasurement
internal import Operations
internal import SystemErrors

/// The disks below the state folder and the audit log, and signatures.
extension SelfTest {
    private static let blocks = 10
    private static let blockLength = 1_000_000
    /// How long signatures are made and verified, in nanoseconds.
    private static let cryptoTime: UInt64 = 500_000_000

    /// The disk of the state folder, and that of the audit log if it is another one.
    func checkDisks() -> [SelfTestCheck] {
        let state = checkDisk(SelfTest.disk, stateFolder)
        guard auditFolder != stateFolder else { return [state] }
        // A folder that cannot be examined is measured, too: that reports why.
        let devices = [stateFolder, auditFolder].map { try? FileStatus.ofLink(at: $0 + "/.").device }
        guard devices[0] == nil || devices[0] != devices[1] else { return [state] }
        return [state, checkDisk(SelfTest.auditDisk, auditFolder)]
    }

    private func checkDisk(_ name: String, _ folder: String) -> SelfTestCheck {
        let threshold = "10 MB/s"
        do throws(SystemError) {
            let rate = try writeRate(in: folder)
            return SelfTestCheck(
                name,
                SelfTestCheck.status(rate, pass: 10, warn: 1),
                "\(SelfTest.oneDecimal(rate)) MB/s sequential write (1 MB x \(SelfTest.blocks))",
                measured: rate,
                unit: "MB/s",
                threshold: threshold,
                remedy: "put \(folder) on a faster disk: every decision waits for the audit log and the accounts"
            )
        } catch {
            let problem = FileError(error)
            return SelfTestCheck(
                name,
                .fail,
                "Cannot write in \(folder): \(error.reason)",
                threshold: threshold,
                remedy: problem.remedy
            )
        }
    }

    /// MB/s of blocks that are each on disk before the next is written.
    private func writeRate(in folder: String) throws(SystemError) -> Double {
        let path = "\(folder)/.self-test.\(UInt64.random(in: .min ... .max))"
        let file = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
        defer { try? StateFiles.remove(path) }
        // Not zeros: a compressing file system would only count them.
        var generator = SystemRandomNumberGenerator()
        var block: [UInt8] = []
        block.reserveCapacity(SelfTest.blockLength)
        while block.count < SelfTest.blockLength {
            var word = generator.next()
            for _ in 0..<8 {
                block.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        let start = facts.monotonic()
        for _ in 0..<SelfTest.blocks {
            try file.write(block)
            try file.synchronizeData()
        }
        let seconds = Double(max(1, facts.monotonic() &- start)) / 1e9
        return Double(SelfTest.blocks * SelfTest.blockLength) / 1e6 / seconds
    }

    func checkCrypto() -> SelfTestCheck {
        let threshold = "1000 sign+verify ops/sec"
        let start = facts.monotonic()
        var count = 0
        var elapsed: UInt64 = 0
        do {
            while elapsed < SelfTest.cryptoTime {
                guard try signAndVerify() else {
                    return SelfTestCheck(
                        SelfTest.crypto,
                        .fail,
                        "A signature that was just made did not verify",
                        threshold: threshold,
                        remedy: "do not use this machine: its memory or processor is faulty, or the binary was changed"
                    )
                }
                count += 1
                elapsed = facts.monotonic() &- start
            }
        } catch {
            return SelfTestCheck(
                SelfTest.crypto,
                .fail,
                "Signing failed: \(error)",
                threshold: threshold,
                remedy: "reinstall the binary; if that does not help, report it"
            )
        }
        let rate = Double(count) * 1e9 / Double(max(1, elapsed))
        return SelfTestCheck(
            SelfTest.crypto,
            SelfTestCheck.status(rate, pass: 1000, warn: 100),
            "\(Int(rate)) sign+verify ops/sec",
            measured: rate,
            unit: "ops/sec",
            threshold: threshold,
            remedy: "handshakes will be slow: stop other programs, or use a faster machine"
        )
    }
}
