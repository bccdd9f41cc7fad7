internal import NetworkProtocol
internal import Testing

extension CompressionTests {
    static func lz4(claiming size: UInt32, _ block: [UInt8]) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * UInt32($0))) } + block
    }

    /// A frame of 42 bytes in a single segment whose content size has eight bytes; its one block repeats a byte 131 072
    /// times.
    static func zstd(claiming size: UInt64) -> [UInt8] {
        let header: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xe0]
        let content = (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * UInt64($0))) }
        // Six blocks of one repeated byte each, then a last, raw block.
        let repeated: [UInt8] = [0x02, 0x00, 0x10, 0x61]
        let last: [UInt8] = [0x11, 0x00, 0x00, 0x61, 0x61]
        return header + content + Array([[UInt8]](repeating: repeated, count: 6).joined()) + last
    }
}

/// Payloads that are designed to take memory, or to be read in two different ways.
@Suite("Hostile compressed payloads")
struct CompressionHostileTests {
    static func error(_ input: [UInt8], _ algorithm: CompressionAlgorithm) -> CompressionError? {
        do throws(CompressionError) {
            _ = try CompressionTests.decompress(input, algorithm)
            return nil
        } catch { return error }
    }

    @Test func `LZ4: claims beyond the limit, beyond 255 times the block, and beyond what the block holds are refused`()
    {
        let limit = CompressionAlgorithm.maximumDecompressedLength
        let tail = [UInt8](repeating: 0, count: 8)
        #expect(
            Self.error(CompressionTests.lz4(claiming: 16_777_217, tail), .lz4)
                == .tooLong(.lz4, claimed: 16_777_217, limit: limit)
        )
        #expect(
            Self.error(CompressionTests.lz4(claiming: .max, tail), .lz4)
                == .tooLong(.lz4, claimed: UInt64(UInt32.max), limit: limit)
        )
        #expect(
            Self.error(CompressionTests.lz4(claiming: 2041, tail), .lz4)
                == .implausible(.lz4, claimed: 2041, compressed: 8)
        )
        #expect(
            Self.error(CompressionTests.lz4(claiming: 2040, tail), .lz4)
                == .malformed(.lz4, claimed: 2040, compressed: 8, reason: nil)
        )
    }

    @Test func `LZ4: a claim that is one more or one less than what the block holds is refused`() {
        let block = Array(CompressionTests.bytes(CompressionTests.vectors[0].1).dropFirst(4))
        for claimed in [0, 1, 179, 181, 182] {
            #expect(
                Self.error(CompressionTests.lz4(claiming: UInt32(claimed), block), .lz4)
                    == .malformed(.lz4, claimed: claimed, compressed: block.count, reason: nil)
            )
        }
    }

    @Test func `LZ4: nothing, a size alone, and what follows the block are refused`() {
        #expect(Self.error([], .lz4) == .truncated(.lz4, length: 0))
        #expect(Self.error([0, 0, 0, 0], .lz4) == .truncated(.lz4, length: 4))
        let whole = CompressionTests.bytes(CompressionTests.vectors[0].1)
        #expect(Self.error(whole + [0], .lz4) == .malformed(.lz4, claimed: 180, compressed: 58, reason: nil))
    }

    @Test
    func `Zstandard: 42 bytes that claim 4 GiB, 16 MiB and a byte, and more than their blocks can hold are refused`() {
        let limit = CompressionAlgorithm.maximumDecompressedLength
        let bomb = CompressionTests.zstd(claiming: 4 << 30)
        #expect(bomb.count == 42)
        #expect(Self.error(bomb, .zstd) == .tooLong(.zstd, claimed: 4 << 30, limit: limit))
        #expect(
            Self.error(CompressionTests.zstd(claiming: 16_777_217), .zstd)
                == .tooLong(.zstd, claimed: 16_777_217, limit: limit)
        )
        #expect(
            Self.error(CompressionTests.zstd(claiming: .max - 2), .zstd)
                == .tooLong(.zstd, claimed: .max - 2, limit: limit)
        )
        // (42 - 6) / 4 blocks of 128 KiB.
        #expect(
            Self.error(CompressionTests.zstd(claiming: 9 * 131_072 + 1), .zstd)
                == .implausible(.zstd, claimed: 1_179_649, compressed: 42)
        )
    }

    @Test
    func
        `Zstandard: a frame whose blocks are as they should be opens, and one that holds less or more than it claims does not`()
        throws
    {
        let size = 6 * 131_072 + 2
        let good = try CompressionTests.decompress(CompressionTests.zstd(claiming: UInt64(size)), .zstd)
        #expect(good == [UInt8](repeating: 0x61, count: size))
        for claimed in [0, 2, size - 1, size + 1, 9 * 131_072] {
            guard
                case .malformed(.zstd, claimed, 42, _?) = Self.error(
                    CompressionTests.zstd(claiming: UInt64(claimed)),
                    .zstd
                )
            else {
                Issue.record("\(claimed) bytes were claimed and taken")
                continue
            }
        }
    }

    @Test
    func
        `Zstandard: no content size, a dictionary, a window beyond 16 MiB, a second frame and trailing bytes are refused`()
    {
        let whole = CompressionTests.bytes(CompressionTests.vectors[1].1)
        // Made with python3-zstandard: without the content size, and with a dictionary whose number is 1723785528.
        #expect(
            Self.error(CompressionTests.bytes("28b52ffd0000bd0100c40274686520717569636b2062726f776e20"), .zstd)
                == .sizeMissing
        )
        #expect(
            Self.error(CompressionTests.bytes("28b52ffd2338e1be66b4cd0100c40274686520717569636b2062726f"), .zstd)
                == .dictionary(1_723_785_528)
        )
        // Descriptor with a content size of four bytes and a window of 1.125 × 2²⁴ bytes, then one of 2⁴¹ bytes and
        // seven eighths.
        let windows: [(UInt8, UInt64)] = [(0x71, (1 << 24) + (1 << 21)), (0xff, (1 << 41) / 8 * 15)]
        for (byte, window) in windows {
            let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x80, byte] + [1, 0, 0, 0, 0x09, 0, 0, 0x61]
            #expect(Self.error(frame, .zstd) == .windowTooLarge(window, limit: 1 << 24))
        }
        #expect(Self.error([0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x70] + [1, 0, 0, 0, 0x09, 0, 0, 0x61], .zstd) == nil)
        #expect(Self.error(whole + whole, .zstd) == .trailingBytes(whole.count))
        #expect(Self.error(whole + [0], .zstd) == .trailingBytes(1))
        // A reserved bit, and a content size of which half is missing.
        #expect(
            Self.error([0x28, 0xb5, 0x2f, 0xfd, 0x28] + whole.dropFirst(5), .zstd)
                == .invalidHeader(length: whole.count)
        )
        #expect(Self.error([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0], .zstd) == .invalidHeader(length: 9))
        // A skippable frame of four bytes, alone and after a frame.
        let skippable: [UInt8] = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
        #expect(Self.error(skippable, .zstd) == .notAFrame(found: 0x184d_2a50))
        #expect(Self.error(whole + skippable, .zstd) == .trailingBytes(12))
    }

    @Test func `Zstandard: nothing, garbage and a damaged checksum are refused`() {
        #expect(Self.error([], .zstd) == .truncated(.zstd, length: 0))
        #expect(Self.error(Array("no frame at all".utf8), .zstd) == .notAFrame(found: 0x6620_6f6e))
        var checked = CompressionTests.bytes(CompressionTests.vectors[2].1)
        checked[checked.count - 1] ^= 1
        guard case .malformed(.zstd, 180, _, _?) = Self.error(checked, .zstd) else {
            Issue.record("a wrong checksum was taken")
            return
        }
    }

    @Test(arguments: CompressionAlgorithm.allCases)
    func `a decompressor that has refused a payload takes the next`(_ algorithm: CompressionAlgorithm) throws {
        var decompressor = Decompressor()
        let vector = try #require(CompressionTests.vectors.first { $0.0 == algorithm })
        let whole = CompressionTests.bytes(vector.1)
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= 0x55
            _ = try? decompressor.decompress(damaged.span.bytes, algorithm: algorithm)
            let text = try decompressor.decompress(whole.span.bytes, algorithm: algorithm)
            #expect(text == CompressionTests.text)
        }
    }
}
