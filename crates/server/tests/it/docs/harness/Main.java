
class Main {
    public static void main(String[] arguments) throws Exception {
        var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split(",", -1);
            byte[][] bytes = new byte[parts.length][];
            for (int i = 0; i < parts.length; i++) {
                bytes[i] = Base64.getDecoder().decode(parts[i]);
            }
            Map<String, String> headers = Map.of(
                    "webhook-id", new String(bytes[1], StandardCharsets.UTF_8),
                    "webhook-timestamp", new String(bytes[2], StandardCharsets.UTF_8),
                    "webhook-signature", new String(bytes[3], StandardCharsets.UTF_8));
            System.out.println(Signatures.isGenuine(
                    new String(bytes[0], StandardCharsets.UTF_8), headers, bytes[4]));
        }
    }
}
