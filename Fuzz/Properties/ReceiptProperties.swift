internal import FileTransferNode

/// A receipt that someone gave to a person as a file.
enum ReceiptProperties {
    /// What is read is written so that it is read the same.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        let document: ReceiptDocument
        do throws(ReceiptDocument.Problem) {
            document = try ReceiptDocument(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            try ErrorText.check(error)
            return
        }
        let again: ReceiptDocument
        do throws(ReceiptDocument.Problem) { again = try ReceiptDocument(parsing: document.text) } catch {
            throw PropertyBroken("a receipt that was written is not read: \(error)")
        }
        try require(again == document, "a receipt is not read as it was written")
    }
}
