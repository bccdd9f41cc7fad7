internal import Foundation
internal import Operations
internal import Testing

/// What both ends keep of a transfer.
@Suite("courier history and courier receipt", .timeLimit(.minutes(3)))
struct CourierReceiptTests {
    private func courier(_ state: String, _ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("courier", arguments, ["XDG_STATE_HOME": state])
    }

    /// Sends paths below `folder` from the user `folder/a` to the user `folder/b`, into `folder/in`.
    private func transfer(_ folder: String, _ paths: String, _ options: String = "") async throws {
        let script = """
            cd "$1" || exit 1
            XDG_STATE_HOME=$1/b "$0" receive --yes --once --listen 127.0.0.1:0 --to in \(options) > ticket & receiver=$!
            for i in $(seq 100); do grep -q courier: ticket && break; sleep 0.1; done
            XDG_STATE_HOME=$1/a "$0" send \(paths) $(head -n 1 ticket) && wait $receiver
            """
        let result = try await ChildProcess.start("/bin/sh", ["-c", script, try Tool.path("courier"), folder]).exit()
        try #require(result.code == 0, "\(String(decoding: result.errorOutput, as: UTF8.self))")
    }

    private func make(_ folder: String) async throws {
        let script = """
            cd "$1" && mkdir d d/sub && head -c 300000 /dev/urandom > d/large && printf small > d/sub/small && : > d/empty
            printf x > "d/$(printf 'odd\\377\\nname')" && ln -s large d/link
            """
        let made = try await ChildProcess.start("/bin/sh", ["-c", script, "sh", folder]).exit()
        try #require(made.code == 0)
    }

    @Test func `both ends list a transfer and hold one receipt, which proves the file to others`() async throws {
        try await Tool.inFolder { folder in
            try await make(folder)
            try await transfer(folder, "d/large", "--durable")
            var receipts: [String] = []
            for (user, direction) in [("a", "sent"), ("b", "received")] {
                let state = folder + "/" + user
                let rows = try #require(try await courier(state, "history", "--json").list() as? [[String: Any]])
                #expect(rows.count == 1)
                #expect(rows[0]["direction"] as? String == direction)
                #expect(rows[0]["bytes"] as? Int == 300_000)
                #expect(rows[0]["has_receipt"] as? Bool == true)
                let other = try await courier(folder + (user == "a" ? "/b" : "/a"), "id").output.dropLast()
                #expect(rows[0]["peer"] as? String == String(other))
                receipts.append(try await courier(state, "receipt", "show", "1").output)
            }
            #expect(receipts[0] == receipts[1])
            let receipt = folder + "/receipt"
            try receipts[0].write(toFile: receipt, atomically: true, encoding: .utf8)
            for path in ["d/large", "in/large", "in"] {
                let good = try await courier(folder + "/c", "receipt", "verify", receipt, folder + "/" + path)
                #expect(good.code == 0, "\(good.errors)")
                #expect(good.output.contains("Both signatures are right, and so is what is there"))
                #expect(good.output.contains("1 file, 300 kB, on the disk"))
            }
            let json = try await courier(folder + "/c", "receipt", "verify", receipt, "--json").json()
            let sums = try await ChildProcess.start("b3sum", ["--no-names", folder + "/in/large"]).exit()
            #expect(json["digest"] as? String == String(decoding: sums.output.dropLast(), as: UTF8.self))
            #expect(json["durable"] as? Bool == true)
            // Whatever is changed is found.
            let changes = [
                ("\"durable\": true", "\"durable\": false", "signature of the receiver"),
                ("\"time\": 1", "\"time\": 2", "signature of the receiver"),
                ("\"bytes\": 300000", "\"bytes\": 300001", "does not have its digest"),
                ("\"sender\": \"PP-", "\"sender\": \"PQ-", "\"sender\" is missing or has a wrong form"),
                ("\"receipt\": \"courier/1\"", "\"receipt\": \"courier/2\"", "is no receipt"),
                ("\"sender_signature\"", "\"x\"", "has not signed it"), ("{", "", "it is no JSON"),
            ]
            for (old, new, reason) in changes {
                var text = receipts[0]
                let range = try #require(text.range(of: old))
                text.replaceSubrange(range, with: new)
                try text.write(toFile: receipt, atomically: true, encoding: .utf8)
                let bad = try await courier(folder + "/c", "receipt", "verify", receipt)
                #expect(bad.code == 6 && bad.errors.contains(reason), "\(new): \(bad.errors)")
            }
            try receipts[0].write(toFile: receipt, atomically: true, encoding: .utf8)
            try Data("else".utf8).write(to: URL(fileURLWithPath: folder + "/in/large"))
            let other = try await courier(folder + "/c", "receipt", "verify", receipt, folder + "/in/large")
            #expect(other.code == 6)
            #expect(other.errors.contains("is not what was received"))
        }
    }

    @Test func `the receipt of a folder lists its files, and what is missing is named`() async throws {
        try await Tool.inFolder { folder in
            try await make(folder)
            try await transfer(folder, "d d/empty")
            let state = folder + "/b"
            let text = try await courier(state, "receipt", "show", "1").output
            let receipt = folder + "/receipt"
            try text.write(toFile: receipt, atomically: true, encoding: .utf8)
            let good = try await courier(state, "receipt", "verify", receipt, folder + "/in")
            #expect(good.code == 0, "\(good.errors)")
            #expect(good.output.contains("5 files, 300 kB"))
            try FileManager.default.removeItem(atPath: folder + "/in/d/sub/small")
            let missing = try await courier(state, "receipt", "verify", receipt, folder + "/in")
            #expect(missing.code == 1)
            #expect(missing.errors.contains("/in/d/sub/small: No such file"))
            // Nothing moves the second time, so there is nothing to sign.
            try await transfer(folder, "d/large d/empty", "--on-conflict skip")
            try await transfer(folder, "d/large d/empty")
            #expect(try await courier(state, "receipt", "show", "3").code == 64)
            #expect(try await courier(state, "history").output.contains("there already"))
            #expect(try await courier(state, "history", "--limit", "1", "--json").list().count == 1)
        }
    }

    @Test func `the history keeps a thousand transfers, and receipts up to a size in all`() async throws {
        try await Tool.inFolder { folder in
            try await make(folder)
            try await transfer(folder, "d/large")
            let script = """
                import sqlite3, sys
                book = sqlite3.connect(sys.argv[1])
                for number in range(1500):
                    receipt = "x" * 1048576 if number > 1420 else None
                    book.execute("INSERT INTO transfer (time, is_sent, peer, name, entries, bytes, seconds, failed, receipt) "
                                 "VALUES (1, 1, 'p', 'n', 1, 1, 1, 0, ?)", (receipt,))
                book.commit()
                """
            let path = folder + "/a/outpost/courier-history.sqlite"
            let filled = try await ChildProcess.start("/usr/bin/python3", ["-c", script, path]).exit()
            try #require(filled.code == 0, "\(String(decoding: filled.errorOutput, as: UTF8.self))")
            try FileManager.default.removeItem(atPath: folder + "/in/large")
            try await transfer(folder, "d/large")
            let rows = try #require(
                try await courier(folder + "/a", "history", "--json", "--limit", "1000").list() as? [[String: Any]]
            )
            #expect(rows.count == 1_000)
            let receipts = rows.filter { $0["has_receipt"] as? Bool == true }
            // 63 of a mebibyte, and the last one.
            #expect(receipts.count == 64)
            #expect(rows.last?["has_receipt"] as? Bool == true)
        }
    }
}
