(* HMAC-SHA-256 (FIPS 180-4, RFC 2104), to compute with: the vectors have to come out of the same S.

   SPDX-License-Identifier: Apache-2.0 *)
From Coq Require Import List NArith.
From akma Require Import S e2e hkdf keys.
Local Open Scope N_scope.

Definition word (n : N) : N := N.land n 0xffffffff.
Definition add (a b : N) : N := word (a + b).
Definition rotr (n a : N) : N := word (N.lor (N.shiftr a n) (N.shiftl a (32 - n))).
Definition xor3 (a b c : N) : N := N.lxor (N.lxor a b) c.

(* FIPS 180-4, 4.1.2. *)
Definition Ch (x y z : N) : N := N.lxor (N.land x y) (N.land (N.lxor x 0xffffffff) z).
Definition Maj (x y z : N) : N := xor3 (N.land x y) (N.land x z) (N.land y z).
Definition Sigma0 (a : N) : N := xor3 (rotr 2 a) (rotr 13 a) (rotr 22 a).
Definition Sigma1 (a : N) : N := xor3 (rotr 6 a) (rotr 11 a) (rotr 25 a).
Definition sigma0 (a : N) : N := xor3 (rotr 7 a) (rotr 18 a) (N.shiftr a 3).
Definition sigma1 (a : N) : N := xor3 (rotr 17 a) (rotr 19 a) (N.shiftr a 10).

Definition K : list N := [
  0x428a2f98; 0x71374491; 0xb5c0fbcf; 0xe9b5dba5; 0x3956c25b; 0x59f111f1; 0x923f82a4; 0xab1c5ed5;
  0xd807aa98; 0x12835b01; 0x243185be; 0x550c7dc3; 0x72be5d74; 0x80deb1fe; 0x9bdc06a7; 0xc19bf174;
  0xe49b69c1; 0xefbe4786; 0x0fc19dc6; 0x240ca1cc; 0x2de92c6f; 0x4a7484aa; 0x5cb0a9dc; 0x76f988da;
  0x983e5152; 0xa831c66d; 0xb00327c8; 0xbf597fc7; 0xc6e00bf3; 0xd5a79147; 0x06ca6351; 0x14292967;
  0x27b70a85; 0x2e1b2138; 0x4d2c6dfc; 0x53380d13; 0x650a7354; 0x766a0abb; 0x81c2c92e; 0x92722c85;
  0xa2bfe8a1; 0xa81a664b; 0xc24b8b70; 0xc76c51a3; 0xd192e819; 0xd6990624; 0xf40e3585; 0x106aa070;
  0x19a4c116; 0x1e376c08; 0x2748774c; 0x34b0bcb5; 0x391c0cb3; 0x4ed8aa4a; 0x5b9cca4f; 0x682e6ff3;
  0x748f82ee; 0x78a5636f; 0x84c87814; 0x8cc70208; 0x90befffa; 0xa4506ceb; 0xbef9a3f7; 0xc67178f2].

Definition H0 : list N := [
  0x6a09e667; 0xbb67ae85; 0x3c6ef372; 0xa54ff53a; 0x510e527f; 0x9b05688c; 0x1f83d9ab; 0x5be0cd19].

(* 6.2.2, one round after the other; w: the words of the schedule from this round on, 16 of them. *)
Fixpoint rounds (k w v : list N) : list N :=
  match k, w, v with
  | k :: ks, w0 :: ws, [a; b; c; d; e; f; g; h] =>
      let T1 := add (add (add h (Sigma1 e)) (add (Ch e f g) k)) w0 in
      let T2 := add (Sigma0 a) (Maj a b c) in
      let w16 := add (add (sigma1 (nth 13 ws 0)) (nth 8 ws 0)) (add (sigma0 (nth 0 ws 0)) w0) in
      rounds ks (ws ++ [w16]) [add T1 T2; a; b; c; add d T1; e; f; g]
  | _, _, _ => v
  end.

Fixpoint words (m : octets) : list N :=
  match m with
  | a :: b :: c :: d :: m =>
      (Byte.to_N a * 0x1000000 + Byte.to_N b * 0x10000 + Byte.to_N c * 0x100 + Byte.to_N d) :: words m
  | _ => []
  end.

Fixpoint blocks (n : nat) (w v : list N) : list N :=
  match n with
  | O => v
  | Datatypes.S n =>
      let one := rounds K (firstn 16 w) v in
      blocks n (skipn 16 w) (map (fun p => add (fst p) (snd p)) (combine v one))
  end.

Definition big_endian (count : nat) (n : N) : octets :=
  map (fun i => octet (N.shiftr n (8 * N.of_nat i))) (rev (seq 0 count)).

(* 5.1.1 *)
Definition padded (m : octets) : octets :=
  m ++ x80 :: repeat x00 (N.to_nat ((119 - size m mod 64) mod 64)) ++ big_endian 8 (8 * size m).

Definition SHA256 (m : octets) : octets :=
  let w := words (padded m) in
  flat_map (big_endian 4) (blocks (N.to_nat (N.of_nat (length w) / 16)) w H0).

(* For keys of a block at most. *)
Definition HMAC (key m : octets) : octets :=
  let masked mask := map (fun k => octet (N.lxor (Byte.to_N k) mask)) (fill 64 key) in
  SHA256 (masked 0x5c ++ SHA256 (masked 0x36 ++ m)).

(* The two modes, for SHA2-256. *)
Definition block_numbers (x : inputs) : list N :=
  map N.of_nat (seq 1 (N.to_nat ((wanted x + 31) / 32))).

Definition e2e_key_3GPP (Ks_NAF : octets) (x : inputs) : octets :=
  firstn (N.to_nat (wanted x)) (flat_map (fun i => HMAC Ks_NAF (S_i x i)) (block_numbers x)).

Definition e2e_key_HKDF (Ks_NAF : octets) (x : inputs) : octets :=
  let PRK := HMAC Ks_NAF (IKM x) in
  let T := fold_left (fun T i => T ++ [HMAC PRK (expand x (last T []) i)]) (block_numbers x) [] in
  firstn (N.to_nat (wanted x)) (concat T).
