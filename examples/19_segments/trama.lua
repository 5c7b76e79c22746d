-- trama.lua -- shows the messages of this course in Wireshark and tshark
--
-- Run:      tshark -X lua_script:examples/19_segments/trama.lua -r FILE
--           For Wireshark, copy it into the folder that Help, About, Folders calls
--           "Personal Lua Plugins".
-- Observe:  A message that came in three segments is one message. A segment that carries three
--           messages shows all of them.
-- Exercise: Add the format of your own protocol: a function like next_frame, and two lines.
--
-- TCP port    protocol                             filter
--  5000       six digits and a colon (chapter 08)  six_digits
-- 65433       the same (chapter 18)                six_digits
--  4321       the file store (chapter 16)          file_store
-- 19500       HFTP (chapter 17)                    hftp
-- Another port, and a length of 4 bytes before each message (length_prefix): "Decode As" in the
-- menu of a packet, or tshark -d tcp.port==4000,length_prefix
--
-- docs/wire_formats.md describes the formats byte by byte. The file store and HFTP have a state: a
-- status means nothing without its request. So the capture must have the connection from its start.

-- ---- what all protocols share -------------------------------------------------------------------
--
-- A protocol has a function next_item(talk, from_client, bytes, at). It returns
--     an item, which begins `at` bytes behind the start of `bytes`:
--     {size = 11, text = "...", parts = {{field, offset, size, value}, ...}}
--     (value: as_utf8 for a text; nothing for a number or bytes);
--     or nil, and how many bytes are missing, if it knows the size of the whole item. Otherwise
--     nil alone: Wireshark then tries again with one more segment;
--     or false: no such item can begin here.
-- `talk` is a table for the state of this connection, with one table for each end.

local as_utf8 = {}
local stream_number = Field.new("tcp.stream")

local function new_talk()
    return {client = {}, server = {}, calls = {}}
end

-- All items that are complete, and where the next one begins.
local function read_items(next_item, talk, from_client, bytes)
    local call = {items = {}, rest = 0}
    while call.rest < #bytes do
        local item, missing = next_item(talk, from_client, bytes, call.rest)
        if not item then
            call.is_wrong = item == false
            call.missing = missing or DESEGMENT_ONE_MORE_SEGMENT
            return call
        end
        item.at = call.rest
        table.insert(call.items, item)
        call.rest = call.rest + item.size
    end
    return call
end

local function draw_items(protocol, call, buffer, pinfo, tree)
    local texts = {}
    for _, item in ipairs(call.items) do
        local branch = tree:add(protocol, buffer(item.at, item.size), item.text)
        for _, part in ipairs(item.parts) do
            local field, offset, size, value = part[1], part[2], part[3], part[4]
            local range = buffer(item.at + offset, size)
            if value == as_utf8 then
                branch:add_packet_field(field, range, ENC_UTF_8)
            elseif value == nil then
                branch:add(field, range)
            else
                branch:add(field, range, value)
            end
        end
        table.insert(texts, item.text)
    end
    pinfo.cols.protocol = protocol.name
    if #texts > 0 then
        pinfo.cols.info = table.concat(texts, ". ") .. ". "  -- more may follow in this segment
    end
end

-- Makes the dissector of a protocol. Wireshark calls it with the bytes of a segment, or with those
-- of several that it has put together: once in the order of the capture, and later again for what
-- is on the screen. Only the first time moves the state; `calls` keeps what was found then. The second
-- time, the bytes may end behind the last item.
local function set_dissector(protocol, description, next_item)
    local talks = {}
    protocol.init = function()
        talks = {}
    end
    protocol.dissector = function(buffer, pinfo, tree)
        local number = stream_number().value
        local talk = talks[number] or new_talk()
        talks[number] = talk
        local key = pinfo.number .. ":" .. buffer:offset()
        local call = pinfo.visited and talk.calls[key]
        if not call then
            local from_client = pinfo.dst_port == pinfo.match_uint
            call = read_items(next_item, talk, from_client, buffer:raw())
            talk.calls[key] = call
        end
        if call.is_wrong and call.rest == 0 then
            return 0  -- other dissectors may know it
        end
        draw_items(protocol, call, buffer, pinfo, tree)
        if call.is_wrong then
            tree:add(protocol, buffer(call.rest), "No message of this format: " .. description)
        elseif call.rest < buffer:len() and pinfo.can_desegment > 0 then
            pinfo.desegment_offset = call.rest
            pinfo.desegment_len = call.missing
        elseif call.rest < buffer:len() then
            tree:add(protocol, buffer(call.rest), "A part of a message")
        end
        return buffer:len()
    end
end

-- The big-endian number in `size` bytes.
local function number_at(bytes, at, size)
    local number = 0.0  -- floating point: an integer of Lua has a sign, and 2^63 would be negative
    for place = at + 1, at + size do
        number = number * 256 + bytes:byte(place)
    end
    return number
end

-- How many bytes are missing to `size` bytes behind `at`; nil: none.
local function missing_to(bytes, at, size)
    local missing = at + size - #bytes
    return missing > 0 and missing or nil
end

local function bytes_of(count)
    return string.format(count == 1 and "%.0f byte" or "%.0f bytes", count)
end

-- ---- six digits and a colon ---------------------------------------------------------------------

local six_digits = Proto("six_digits", "Six digits and a colon")
local six = {
    length = ProtoField.uint32("six_digits.length", "Length"),
    payload = ProtoField.string("six_digits.payload", "Payload", base.UNICODE),
}
six_digits.fields = {six.length, six.payload}

local function next_frame(_, _, bytes, at)
    local header = bytes:sub(at + 1, at + 7)
    local is_header = #header == 7 and header:match("^%d%d%d%d%d%d:$")
    local is_begin = #header < 7 and header:match("^%d+$")
    if not is_header and not is_begin then
        return false
    end
    if is_begin then
        return nil
    end
    local length = tonumber(header:sub(1, 6), 10)
    local missing = missing_to(bytes, at, 7 + length)
    if missing then
        return nil, missing
    end
    return {
        size = 7 + length,
        text = "Frame, " .. bytes_of(length),
        parts = {{six.length, 0, 6, length}, {six.payload, 7, length, as_utf8}},
    }
end

set_dissector(six_digits, "six digits and a colon", next_frame)

-- ---- length prefix ------------------------------------------------------------------------------

local length_prefix = Proto("length_prefix", "Length of 4 bytes, big-endian")
local prefix = {
    length = ProtoField.uint32("length_prefix.length", "Length"),
    payload = ProtoField.bytes("length_prefix.payload", "Payload"),
}
length_prefix.fields = {prefix.length, prefix.payload}

local largest_payload = 16 * 1024 * 1024  -- as in the library, if you give no limit

local function next_prefixed(_, _, bytes, at)
    if missing_to(bytes, at, 4) then
        return nil
    end
    local length = number_at(bytes, at, 4)
    if length > largest_payload then
        return false
    end
    local missing = missing_to(bytes, at, 4 + length)
    if missing then
        return nil, missing
    end
    return {
        size = 4 + length,
        text = "Frame, " .. bytes_of(length),
        parts = {{prefix.length, 0, 4}, {prefix.payload, 4, length}},
    }
end

set_dissector(length_prefix, "a length of at most 16 MiB", next_prefixed)

-- ---- the file store -----------------------------------------------------------------------------
--
-- One connection, one operation. `state` of an end says which item comes next from there. A file
-- may be large, so its bytes are shown as they come and are not put together.

local file_store = Proto("file_store", "File store")
local opcodes = {[0] = "upload", [1] = "download", [2] = "list"}
local statuses = {
    [0] = "OK",
    [1] = "unknown opcode",
    [2] = "file not found",
    [3] = "name refused",
    [4] = "storage failed",
}
local store = {
    opcode = ProtoField.uint8("file_store.opcode", "Opcode", base.DEC, opcodes),
    status = ProtoField.uint8("file_store.status", "Status", base.DEC, statuses),
    length = ProtoField.uint64("file_store.length", "Length"),
    name = ProtoField.string("file_store.name", "Name", base.UNICODE),
    file = ProtoField.bytes("file_store.file", "Bytes of the file"),
    entry = ProtoField.string("file_store.entry", "Entry", base.UNICODE),
}
file_store.fields = {store.opcode, store.status, store.length, store.name, store.file, store.entry}

local largest_text = 64 * 1024 * 1024  -- of a list, as in list-files

-- A length of 8 bytes and as many bytes of text, with one field for each line.
local function next_text(bytes, at, field)
    if missing_to(bytes, at, 8) then
        return nil
    end
    local length = number_at(bytes, at, 8)
    if length > largest_text then
        return false
    end
    local missing = missing_to(bytes, at, 8 + length)
    if missing then
        return nil, missing
    end
    local text = bytes:sub(at + 9, at + 8 + length)
    local parts = {{store.length, 0, 8}}
    for start, line in text:gmatch("()([^\n]+)") do
        table.insert(parts, {field, 7 + start, #line, as_utf8})
    end
    return {size = 8 + length, text = "Text, " .. bytes_of(length), parts = parts}
end

-- The length of a file. The end that sends it is then in the state "file".
local function next_file_length(from, bytes, at)
    if missing_to(bytes, at, 8) then
        return nil
    end
    from.left = number_at(bytes, at, 8)
    from.state = "file"
    return {size = 8, text = "File, " .. bytes_of(from.left), parts = {{store.length, 0, 8}}}
end

local function next_piece(from, bytes, at, field)
    local size = math.min(from.left, #bytes - at)
    from.left = from.left - size
    local rest = from.left > 0 and ", " .. bytes_of(from.left) .. " left" or ", the last ones"
    return {size = size, text = "Data, " .. bytes_of(size) .. rest, parts = {{field, 0, size}}}
end

local function next_opcode(talk, bytes, at)
    talk.opcode = bytes:byte(at + 1)
    local name = opcodes[talk.opcode]
    if not name then
        return false
    end
    talk.client.state = talk.opcode == 2 and "end" or "name"
    return {size = 1, text = "Request: " .. name, parts = {{store.opcode, 0, 1}}}
end

local function next_from_store_client(talk, bytes, at)
    local client = talk.client
    if client.state == nil then
        return next_opcode(talk, bytes, at)
    elseif client.state == "name" then
        local item, missing = next_text(bytes, at, store.name)
        if item then
            item.text = "Name " .. bytes:sub(at + 9, at + item.size)
            client.state = talk.opcode == 0 and "file length" or "end"
        end
        return item, missing
    elseif client.state == "file length" then
        return next_file_length(client, bytes, at)
    elseif client.state == "file" and client.left > 0 then
        return next_piece(client, bytes, at, store.file)
    end
    return false
end

-- A download has two statuses: for its opcode and for its name. An upload has a second one, too, if
-- the server is ours: the file is stored, or not.
local function next_status(talk, bytes, at)
    local status = bytes:byte(at + 1)
    if not statuses[status] then
        return false
    end
    local server = talk.server
    local is_second = server.state == "second status"
    if status ~= 0 or (talk.opcode == 0 and is_second) then
        server.state = "end"
    elseif talk.opcode == 2 then
        server.state = "list"
    else
        server.state = is_second and "file length" or "second status"
    end
    return {size = 1, text = "Status: " .. statuses[status], parts = {{store.status, 0, 1}}}
end

local function next_from_store_server(talk, bytes, at)
    local server = talk.server
    if server.state == nil or server.state == "second status" then
        return next_status(talk, bytes, at)
    elseif server.state == "list" then
        local item, missing = next_text(bytes, at, store.entry)
        if item then
            item.text = "List of files, " .. bytes_of(item.size - 8)
            server.state = "end"
        end
        return item, missing
    elseif server.state == "file length" then
        return next_file_length(server, bytes, at)
    elseif server.state == "file" and server.left > 0 then
        return next_piece(server, bytes, at, store.file)
    end
    return false
end

set_dissector(file_store, "the file store", function(talk, from_client, bytes, at)
    local next_item = from_client and next_from_store_client or next_from_store_server
    return next_item(talk, bytes, at)
end)

-- ---- HFTP ---------------------------------------------------------------------------------------
--
-- A client may send many requests before it reads an answer, so they wait in a queue. The state of
-- the server says what comes behind the line with the code.

local hftp = Proto("hftp", "HFTP")
local h = {
    request = ProtoField.string("hftp.request", "Request"),
    code = ProtoField.uint32("hftp.code", "Code"),
    answer = ProtoField.string("hftp.answer", "Answer"),
    line = ProtoField.string("hftp.line", "Line"),
    data = ProtoField.bytes("hftp.data", "Data"),
}
hftp.fields = {h.request, h.code, h.answer, h.line, h.data}

-- The line at `at` without its end, and its size with it; nil: its end has not come.
local function line_at(bytes, at)
    local feed = bytes:find("\n", at + 1, true)
    if not feed then
        return nil
    end
    local line = bytes:sub(at + 1, feed - 1):gsub("\r$", "")
    return line, feed - at
end

local function short(text)
    return #text <= 60 and text or text:sub(1, 60) .. "..."
end

local function next_request(talk, bytes, at)
    local line, size = line_at(bytes, at)
    if not line then
        return nil
    end
    talk.queue = talk.queue or {}
    table.insert(talk.queue, line)
    return {size = size, text = "Request: " .. short(line), parts = {{h.request, 0, size, line}}}
end

-- What follows the answer "0 OK" to this request.
local function expect_body(server, request)
    local words = {}
    for word in request:gmatch("%S+") do
        table.insert(words, word)
    end
    local size = tonumber(words[4] or "")
    if words[1] == "get_file_listing" or words[1] == "help" then
        server.state = "lines"
    elseif words[1] == "get_metadata" then
        server.state = "line"
    elseif words[1] == "get_slice" and words[5] == "raw" then
        server.state = "content length"
    elseif words[1] == "get_slice" and size then
        server.state = "data"
        server.left = 4 * math.ceil(size / 3)
        server.after = "line"
    end
end

local function next_code(talk, bytes, at)
    local line, size = line_at(bytes, at)
    if not line then
        return nil
    end
    local digits = line:match("^(%d+) ")
    if not digits then
        return false
    end
    local request = talk.queue and table.remove(talk.queue, 1)
    if request and tonumber(digits) == 0 then
        expect_body(talk.server, request)
    end
    return {
        size = size,
        text = "Answer: " .. short(line),
        parts = {{h.code, 0, #digits, tonumber(digits)}, {h.answer, 0, size, line}},
    }
end

-- A line behind the answer. The state after it depends on the line.
local function next_line(server, bytes, at)
    local line, size = line_at(bytes, at)
    if not line then
        return nil
    end
    local length = tonumber(line:match("^Content%-Length: (%d+)$") or "")
    if server.state == "content length" and length then
        server.state = "empty line"
        server.left = length
    elseif server.state == "empty line" then
        server.state = "data"
        server.after = nil
    elseif server.state == "line" or line == "" then
        server.state = nil
    end
    local text = line == "" and "Empty line" or "Line: " .. short(line)
    return {size = size, text = text, parts = {{h.line, 0, size, line}}}
end

local function next_answer(talk, bytes, at)
    local server = talk.server
    if server.state == "data" and server.left == 0 then
        server.state = server.after
    end
    if server.state == nil then
        return next_code(talk, bytes, at)
    elseif server.state == "data" then
        return next_piece(server, bytes, at, h.data)
    end
    return next_line(server, bytes, at)
end

set_dissector(hftp, "a line of HFTP", function(talk, from_client, bytes, at)
    local next_item = from_client and next_request or next_answer
    return next_item(talk, bytes, at)
end)

-- ---- the ports ----------------------------------------------------------------------------------

local ports = DissectorTable.get("tcp.port")
ports:add(5000, six_digits)
ports:add(65433, six_digits)
ports:add(4321, file_store)
ports:add(19500, hftp)
ports:add_for_decode_as(length_prefix)
