
$stdin.each_line do |line|
  secret, id, at, signature, body = line.strip.split(",", -1).map { |part| part.unpack1("m") }
  headers = { "webhook-id" => id, "webhook-timestamp" => at, "webhook-signature" => signature }
  puts genuine?(secret, headers, body)
end
