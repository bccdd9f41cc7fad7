/// The frame of every HTML page: one file, no script, nothing loaded from elsewhere.
enum HTMLPage {
    /// The policy also forbids what the page does not contain, in case someone forwards it with a program that adds to
    /// it.
    static func page(title: String, content: Markup) -> String {
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <title>\(title)</title>
            <style>
            \(HTMLStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            \(content)
            </main>
            </body>
            </html>

            """
        return page.html
    }

    /// A table with column heads; the first cell of a row is its head.
    static func table(caption: String, head: [String], rows: [[String]], style: String = "") -> Markup {
        let heads = head.map { name -> Markup in name.isEmpty ? "<td></td>" : "<th scope=\"col\">\(name)</th>" }
        let lines = rows.map { row -> Markup in
            let cells = row.enumerated().map { index, cell -> Markup in
                index == 0 ? "<th scope=\"row\">\(cell)</th>" : "<td>\(cell)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="scroll"><table class="\(style)"><caption>\(caption)</caption>
            <thead><tr>\(heads)</tr></thead>
            <tbody>\(lines)</tbody></table></div>
            """
    }

    /// Splits the value from its unit, so that the unit can be smaller.
    static func figure(_ quantity: String) -> Markup {
        guard let space = quantity.lastIndex(of: " ") else { return "\(quantity)" }
        return
            "\(String(quantity[..<space]))<span class=\"unit\"> \(String(quantity[quantity.index(after: space)...]))</span>"
    }
}
