
while (($line = fgets(STDIN)) !== false) {
    [$secret, $id, $at, $signature, $body] = array_map("base64_decode", explode(",", trim($line)));
    $headers = ["webhook-id" => $id, "webhook-timestamp" => $at, "webhook-signature" => $signature];
    echo is_genuine($secret, $headers, $body) ? "true\n" : "false\n";
}
