internal import FileTransfer
internal import Files

/// What tells one run of this machine's kernel from another.
///
/// As long as it runs, the page cache has what was written, even by a program that was killed.
enum BootIdentity {
    static let length = 16

    /// 16 bytes; random if the kernel does not say, so that nothing is taken for this run's.
    static let current: [UInt8] = {
        let text = (try? StateFiles.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        let digits = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 2 * length else { return [UInt8](randomCount: length) }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }()
}
