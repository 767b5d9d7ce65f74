;;; tls-optout.el --- Send a message again past a TLS delay  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Package-Requires: ((emacs "28.1"))

;;; Commentary:

;; For notmuch, mu4e and Gnus.  In the init file:
;;
;;   (require 'tls-optout)
;;   (global-set-key (kbd "C-c t") #'tls-optout-resend)
;;   (define-key message-mode-map (kbd "C-c t") #'tls-optout-toggle)
;;
;; On a notice the key asks, on the whole frame and in the words of
;; `tls-optout resend', whether to send the message again; on a message of your
;; own too.  In a message that you write it adds the field TLS-Required: No, or
;; takes it out again.
;;
;; The question has a terminal of its own (term.el), so that the program itself
;; asks: nothing here decides, and nothing here sends.

;;; Code:

(require 'message)
(require 'term)

(declare-function gnus-summary-select-article "gnus-sum")
(declare-function mu4e-message-at-point "mu4e-message")
(declare-function mu4e-message-field "mu4e-message")
(declare-function notmuch-show-get-message-id "notmuch-show")
(defvar gnus-original-article-buffer)
(defvar notmuch-command)

(defgroup tls-optout nil
  "Send a message again past a TLS delay."
  :group 'mail)

(defcustom tls-optout-program "tls-optout"
  "The program, by name or path."
  :type 'string)

(defvar-local tls-optout--before nil
  "What the frame showed before the question.")

(defvar tls-optout-done-map
  (let ((map (make-sparse-keymap)))
    (define-key map "q" #'tls-optout-close)
    map)
  "Keys once the program has ended.")

;;;###autoload
(defun tls-optout-resend ()
  "Send the original of the notice at point again, past a TLS delay.
The program shows what it would send, and asks.  A message of
your own is sent to those of its recipients that you choose."
  (interactive)
  (let* ((before (current-window-configuration))
         (file (tls-optout--file))
         (copy (unless file (tls-optout--copy)))
         (buffer (generate-new-buffer "*tls-optout*")))
    (pop-to-buffer buffer '(display-buffer-same-window))
    (delete-other-windows)
    (term-mode)
    (setq tls-optout--before before)
    (term-exec buffer "tls-optout" tls-optout-program nil
               (list "resend" (or file copy)))
    (term-char-mode)
    (add-function :after (process-sentinel (get-buffer-process buffer))
                  (lambda (process _event)
                    (unless (process-live-p process)
                      (when copy (delete-file copy))
                      (tls-optout--ended process))))))

(defun tls-optout--file ()
  "Return the file of the message at point, or nil where it may have moved."
  ;; Before Gnus: the view of mu4e is an article of Gnus too.
  (when (derived-mode-p 'mu4e-view-mode 'mu4e-headers-mode)
    (mu4e-message-field (mu4e-message-at-point) :path)))

(defun tls-optout--copy ()
  "Write the message at point, as it came, into a file, and return that."
  (let ((coding-system-for-read 'no-conversion)
        (coding-system-for-write 'no-conversion))
    (with-current-buffer (tls-optout--raw)
      (let ((file (make-temp-file "tls-optout")))
        (write-region nil nil file nil 'silent)
        file))))

(defun tls-optout--raw ()
  "Return a buffer with the message at point, as it came."
  (cond
   ((derived-mode-p 'notmuch-show-mode 'notmuch-tree-mode)
    (let ((id (notmuch-show-get-message-id)))
      (with-current-buffer (get-buffer-create " *tls-optout raw*")
        (erase-buffer)
        (set-buffer-multibyte nil)
        (call-process notmuch-command nil t nil "show" "--format=raw" id)
        (current-buffer))))
   ((derived-mode-p 'gnus-summary-mode)
    (gnus-summary-select-article)
    (get-buffer gnus-original-article-buffer))
   ((derived-mode-p 'gnus-article-mode)
    (get-buffer gnus-original-article-buffer))
   (t (user-error "No message of notmuch, mu4e or Gnus here"))))

(defun tls-optout--ended (process)
  "Let the user read what PROCESS said.
Who said no (status 2) has nothing more to read."
  (when (buffer-live-p (process-buffer process))
    (with-current-buffer (process-buffer process)
      (if (equal (process-exit-status process) 2)
          (tls-optout-close)
        (use-local-map tls-optout-done-map)
        (message "Press q to go back")))))

(defun tls-optout-close ()
  "Show again what the frame showed before the question."
  (interactive)
  (let ((before tls-optout--before))
    (kill-buffer)
    (set-window-configuration before)))

;;;###autoload
(defun tls-optout-toggle ()
  "Ask not to enforce TLS for the message that you write, or no longer."
  (interactive)
  (save-excursion
    (save-restriction
      (message-narrow-to-headers)
      (when (zerop (message-remove-header "TLS-Required"))
        (goto-char (point-max))
        (insert "TLS-Required: No\n")))))

(provide 'tls-optout)

;;; tls-optout.el ends here
