internal import CBLAKE3

extension BLAKE3 {
    /// A hashed piece of a file. All pieces have `length` bytes; the last one may be shorter. An empty file has one
    /// piece, which is empty.
    ///
    /// A piece is a complete subtree of 256 chunks, or what the file ends with. Its chaining value verifies it inside
    /// of a longer file, and a ``Fold`` of all values gives the digest of the file.
    ///
    /// A file of one piece has no chaining value that says anything: its digest comes from the piece itself, as
    /// ``digestIfAlone``. The fold takes that one by itself.
    package struct Piece: Hashable, Sendable {
        /// Bytes of each piece but the last one: 256 KiB.
        package static let length = Int(OUTPOST_BLAKE3_PIECE_BYTES)
        /// The number of the last piece of the longest input, of 2⁶⁴ − 1 bytes.
        package static let maximumNumber = UInt64.max / UInt64(length)

        /// How many pieces a file of `size` bytes has. An empty one has one, which is empty.
        package static func count(of size: UInt64) -> UInt64 {
            size == 0 ? 1 : (size - 1) / UInt64(length) + 1
        }

        /// How many bytes one of them has. Its number is below ``count(of:)``; another one traps.
        package static func length(of number: UInt64, in size: UInt64) -> Int {
            Int(min(UInt64(length), size - number * UInt64(length)))
        }

        /// How many bytes these have together. They are below ``count(of:)``.
        package static func length(of numbers: [Range<UInt64>], in size: UInt64) -> UInt64 {
            let length = UInt64(length)
            return numbers.reduce(0) { $0 + min($1.upperBound * length, size) - $1.lowerBound * length }
        }

        /// The position of the piece in the file, from 0.
        package let number: UInt64
        /// Its bytes, at most `length`.
        package let byteCount: Int
        /// What verifies the piece if the file has others.
        package let chainingValue: ChainingValue
        /// The digest of the file if it has no other piece; nil if `number` is not 0.
        package let digestIfAlone: Digest?

        /// Hashes a piece.
        ///
        /// More than `length` bytes, none with a number above 0, and a number above `maximumNumber` are programming
        /// errors and trap.
        package init(_ bytes: RawSpan, number: UInt64) {
            precondition(bytes.byteCount <= Self.length, "a piece has at most 256 KiB")
            precondition(!bytes.isEmpty || number == 0, "only the piece of an empty file is empty")
            precondition(number <= Self.maximumNumber, "no file is that long")
            var value = Bytes(repeating: 0)
            var digest = Bytes(repeating: 0)
            let chunk = number * UInt64(Self.length) / UInt64(OUTPOST_BLAKE3_CHUNK_BYTES)
            // The pointers are valid during the call and are not kept.
            unsafe bytes.withUnsafeBytes { input in
                unsafe BLAKE3.withOutput(&value) { value in
                    unsafe BLAKE3.withOutput(&digest) { digest in
                        let root = unsafe number == 0 ? digest : nil
                        unsafe outpost_blake3_subtree(input.baseAddress, input.count, chunk, value, root)
                    }
                }
            }
            self.number = number
            byteCount = bytes.byteCount
            chainingValue = ChainingValue(storage: value)
            digestIfAlone = number == 0 ? Digest(storage: digest) : nil
        }
    }
}
