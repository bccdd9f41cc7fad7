internal import Synchronization

/// Compresses and decompresses payloads, with contexts that all connections of the process share: one Zstandard context
/// takes more memory than thousands of idle connections.
enum PayloadCompression {
    /// Contexts of each kind to keep for the next use; more are made if more are in use at once.
    private static let kept = 4

    private struct Kind: Hashable {
        let algorithm: CompressionAlgorithm
        let level: Int
    }

    private final class CompressorBox {
        var compressor: Compressor
        init(_ kind: Kind) { compressor = Compressor(algorithm: kind.algorithm, level: kind.level) }
    }

    private final class DecompressorBox {
        var decompressor = Decompressor()
    }

    private struct Idle: ~Copyable {
        var compressors: [Kind: [CompressorBox]] = [:]
        var decompressors: [DecompressorBox] = []
    }

    private static let idle = Mutex(Idle())

    /// Nil if the payload would not be smaller.
    static func compress(_ payload: [UInt8], with compression: ConnectionOptions.Compression) -> [UInt8]? {
        let kind = Kind(algorithm: compression.algorithm, level: compression.level)
        let box = idle.withLock { Lent($0.compressors[kind]?.popLast()) }.box ?? CompressorBox(kind)
        // The compressor reads an array's bytes.
        let compressed = box.compressor.compress(unsafe payload.span.bytes)
        let lent = Lent(box)
        idle.withLock { idle in
            if idle.compressors[kind, default: []].count < kept, let box = lent.box {
                idle.compressors[kind, default: []].append(box)
            }
        }
        return compressed
    }

    /// The length that the payload claims to decompress to, at most `limit` and plausible; found without decompressing.
    static func claimedLength(
        _ payload: [UInt8],
        flags: PacketFlags,
        limit: Int
    ) throws(ConnectionError) -> Int {
        let limit = min(limit, CompressionAlgorithm.maximumDecompressedLength)
        do throws(CompressionError) {
            // An array's bytes are read.
            switch CompressionAlgorithm(flags) {
            case .lz4: return try LZ4Block.contentSize(unsafe payload.span.bytes, limit: limit)
            case .zstd: return try ZstdFrame.contentSize(unsafe payload.span.bytes, limit: limit)
            case nil: return payload.count
            }
        } catch {
            throw .malformedCompression("\(error)")
        }
    }

    static func decompress(
        _ payload: [UInt8],
        flags: PacketFlags,
        limit: Int
    ) throws(ConnectionError) -> [UInt8] {
        guard let algorithm = CompressionAlgorithm(flags) else { return payload }
        let box = idle.withLock { Lent($0.decompressors.popLast()) }.box ?? DecompressorBox()
        let lent = Lent(box)
        defer {
            idle.withLock { idle in
                if idle.decompressors.count < kept, let box = lent.box { idle.decompressors.append(box) }
            }
        }
        do throws(CompressionError) {
            // The decompressor reads an array's bytes.
            return try box.decompressor.decompress(unsafe payload.span.bytes, algorithm: algorithm, limit: limit)
        } catch {
            throw .malformedCompression("\(error)")
        }
    }

    /// Carries a box into the lock, or out of it.
    ///
    /// `Sendable`, because a box is either in the list or with one borrower.
    private struct Lent<Box: AnyObject>: @unchecked Sendable {
        let box: Box?
        init(_ box: Box?) { self.box = box }
    }
}

extension CompressionAlgorithm {
    /// The algorithm that a packet names, if any.
    init?(_ flags: PacketFlags) {
        if flags.contains(.lz4) {
            self = .lz4
        } else if flags.contains(.zstd) {
            self = .zstd
        } else {
            return nil
        }
    }

    var flag: PacketFlags {
        switch self {
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }
}
