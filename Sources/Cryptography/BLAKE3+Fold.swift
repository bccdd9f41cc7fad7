internal import CBLAKE3

extension BLAKE3 {
    /// Computes the digest of a file from its pieces, given in order. It keeps one value for each binary digit of their
    /// number.
    ///
    /// Pieces are hashed here, or their chaining values come from a peer. Values that fold to the right digest do not
    /// yet prove how many pieces the file has, because a peer can send the values of larger subtrees. No bytes match
    /// these, so a piece is accepted only when its own value is equal to the one in its place.
    package struct Fold: Sendable {
        /// The values of complete subtrees, the largest first. Equal ones are merged when another piece follows,
        /// because the last merge is the root.
        private var subtrees: [ChainingValue] = []
        /// Pieces so far.
        package private(set) var count: UInt64 = 0
        /// Set while there is one piece, and it was hashed here.
        private var digestIfAlone: Digest?
        /// Whether the last piece was shorter than the others must be.
        private var isAtEnd = false

        package init() {}

        /// Adds the next piece.
        ///
        /// A number other than `count`, and a piece after a short one, are programming errors and trap.
        package mutating func append(_ piece: Piece) {
            precondition(piece.number == count, "pieces are folded in order")
            add(piece.chainingValue)
            digestIfAlone = piece.digestIfAlone
            isAtEnd = piece.byteCount < Piece.length
        }

        /// Adds the value of the next piece, for a file of several pieces.
        ///
        /// A piece after a short one is a programming error and traps.
        package mutating func append(_ value: ChainingValue) {
            add(value)
            digestIfAlone = nil
        }

        /// The digest of the file that ends with the last piece. Nil if there is no piece; and nil if the only one was
        /// given as a chaining value, from which no digest follows: hash the piece itself.
        package var digest: Digest? {
            guard subtrees.count > 1, var value = subtrees.last else { return digestIfAlone }
            for left in subtrees.dropFirst().dropLast().reversed() { value = Self.parent(left, value) }
            return Digest(storage: Self.parent(subtrees[0].storage, value.storage, isRoot: true))
        }

        private mutating func add(_ value: ChainingValue) {
            precondition(!isAtEnd, "only the last piece is short")
            // The pieces so far form one complete subtree for each binary one of their number.
            while subtrees.count > count.nonzeroBitCount {
                let right = subtrees.removeLast()
                subtrees.append(Self.parent(subtrees.removeLast(), right))
            }
            subtrees.append(value)
            count += 1
        }

        private static func parent(_ left: ChainingValue, _ right: ChainingValue) -> ChainingValue {
            ChainingValue(storage: parent(left.storage, right.storage, isRoot: false))
        }

        private static func parent(_ left: Bytes, _ right: Bytes, isRoot: Bool) -> Bytes {
            var output = Bytes(repeating: 0)
            // The pointers are valid during the call and are not kept.
            unsafe BLAKE3.withInput(left) { left in
                unsafe BLAKE3.withInput(right) { right in
                    unsafe BLAKE3.withOutput(&output) { unsafe outpost_blake3_parent(left, right, isRoot, $0) }
                }
            }
            return output
        }
    }
}
